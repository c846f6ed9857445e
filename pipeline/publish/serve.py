"""Serving an atlas's page on loopback. It sends what the page's folder holds, and nothing else."""

import re
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from pipeline.errors import ConfigError, MissingError
from pipeline.publish import site
from pipeline.store.folder import Folder, LocalFolder

HOST = "127.0.0.1"
_NAME = re.compile(r"(?:[\w-]+/)?[\w-]+\.(?:html|css|js|webp|png)", re.ASCII)
_KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "webp": "image/webp",
    "png": "image/png",
}
_FIXED = ("page/", "data/", "images/", "thumbs/", "sheets/", "films/", "examples/",
          "photographs/")  # fmt: skip
"""Where files are named after what they hold."""


def serve(folder: Folder, port: int, handler: "type[Handler] | None" = None) -> ThreadingHTTPServer:
    """A server of an atlas's page, bound and not yet running.

    Args:
        folder: the atlas folder.
        port: of 127.0.0.1; 0 for any free one.
        handler: what answers, if it is to do more than `Handler` does.

    Raises:
        MissingError: there is no page.
        ConfigError: the port cannot be had.
    """
    if not folder.has(site.NAME):
        raise MissingError(
            f"the atlas folder {folder} has no page {site.NAME}: `atlas build` writes it "
            "(unless the configuration says `site: false`)"
        )
    try:
        return Server((HOST, port), partial(handler or Handler, folder))
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"port {port} cannot be had ({error}): name another port; 0 is any free one"
        ) from error


class Server(ThreadingHTTPServer):
    """Answers several requests at once."""

    def handle_error(self, *_: object) -> None:
        """Say nothing of browsers that hang up, as they do with pictures scrolled by."""


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD for the files of a page."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: apart, the second waits for an answer to the first
    disable_nagle_algorithm = True

    def __init__(self, folder: Folder, *arguments: object) -> None:
        self._folder = folder
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Send a file."""
        content = self._answer()
        if content is not None:
            self.wfile.write(content)

    def do_HEAD(self) -> None:
        """Send what goes before a file."""
        self._answer()

    def _answer(self) -> bytes | None:
        """Send the head of an answer; its body."""
        if not self._is_asked_as_loopback():
            self.send_error(HTTPStatus.FORBIDDEN, "asked for by another name than loopback's")
            return None
        name = unquote(urlsplit(self.path).path).removeprefix("/") or "index.html"
        try:
            if not _NAME.fullmatch(name) or self._leads_out(name):
                raise FileNotFoundError(name)
            content = self._folder.read(f"{site.FOLDER}/{name}")
        except OSError:
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", _KINDS[name.rpartition(".")[2]])
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", _caching(name))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        return content

    def _leads_out(self, name: str) -> bool:
        """Whether a name is a link to somewhere else: an atlas may come from anybody."""
        if not isinstance(self._folder, LocalFolder):
            return False
        root = (self._folder.path / site.FOLDER).resolve()
        return not (root / name).resolve().is_relative_to(root)

    def _is_asked_as_loopback(self) -> bool:
        """Whether no other site's name was made to point here (DNS rebinding)."""
        host = self.headers.get("Host", "").rpartition(":")[0]
        return host in (HOST, "localhost")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _caching(name: str) -> str:
    is_fixed = name.startswith(_FIXED) and not name.endswith("/now.js")
    return "public, max-age=31536000, immutable" if is_fixed else "no-cache"
