"""Serving an atlas's page on loopback. It sends what the page's folder holds, and nothing else."""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from pipeline.errors import ConfigError, MissingError
from pipeline.publish import site
from pipeline.store.folder import Folder, LocalFolder

HOST = "127.0.0.1"
_NAME = re.compile(r"(?:[\w-]+/){0,2}[\w-]+\.(?:html|css|js|webp|png)", re.ASCII)
_KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "webp": "image/webp",
    "png": "image/png",
}
_FIXED = re.compile(r"(?:.*/)?(?:page|data|images|thumbs|sheets|films|examples|photographs)/[^/]+")
"""Where files are named after what they hold."""
_INDEX = "index.html"
_POLICY = "default-src 'none';"


@dataclass(frozen=True)
class Files:
    """The files of a page, and of those below it.

    Attributes:
        folder: that they are in.
        under: the folder in there, with a slash; empty for the folder itself.
        inner: pages below this one, by the name that each has for whoever asks.
        told: what the page is told by whoever serves it, by name; a page on a disk is not.
    """

    folder: Folder
    under: str = f"{site.FOLDER}/"
    inner: Mapping[str, "Files"] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)

    def read(self, name: str) -> bytes:
        """A file's content.

        Raises:
            OSError: there is none of the page by that name, or it cannot be read.
        """
        if not _NAME.fullmatch(name):
            raise FileNotFoundError(name)
        first, _, rest = name.partition("/")
        if first in self.inner:
            return self.inner[first].read(rest)
        if name.count("/") > 1 or self._leads_out(name):
            raise FileNotFoundError(name)
        content = self.folder.read(f"{self.under}{name}")
        return self._telling(content) if name == _INDEX and self.told else content

    def _telling(self, content: bytes) -> bytes:
        """The page with what it is told, and the right to ask where it came from."""
        policy = f"{_POLICY} connect-src 'self';"
        metas = "".join(
            f'<meta name="atlas-{name}" content="{html.escape(text)}">\n'
            for name, text in self.told.items()
        )
        text = content.decode().replace(_POLICY, policy, 1)
        return text.replace("<title>", f"{metas}<title>", 1).encode()

    def _leads_out(self, name: str) -> bool:
        """Whether a name is a link to somewhere else: an atlas may come from anybody."""
        if not isinstance(self.folder, LocalFolder):
            return False
        root = (self.folder.path / self.under).resolve()
        return not (root / name).resolve().is_relative_to(root)


def serve(folder: Folder, port: int) -> ThreadingHTTPServer:
    """A server of an atlas's page, bound and not yet running.

    Args:
        folder: the atlas folder.
        port: of 127.0.0.1; 0 for any free one.

    Raises:
        MissingError: there is no page.
        ConfigError: the port cannot be had.
    """
    check(folder)
    return listen(Files(folder), port)


def check(folder: Folder) -> None:
    """See that an atlas folder has a page.

    Raises:
        MissingError: it has none.
    """
    if not folder.has(site.NAME):
        raise MissingError(
            f"the atlas folder {folder} has no page {site.NAME}: `atlas build` writes it "
            "(unless the configuration says `site: false`)"
        )


def listen(
    files: Files, port: int, handler: "Callable[..., Handler] | None" = None
) -> ThreadingHTTPServer:
    """A server of files, bound and not yet running.

    Args:
        files: what it sends.
        port: of 127.0.0.1; 0 for any free one.
        handler: makes what answers, if that is to do more than `Handler` does.

    Raises:
        ConfigError: the port cannot be had.
    """
    try:
        return Server((HOST, port), partial(handler or Handler, files))
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
    timeout = 60  # seconds: who sends half of something holds a thread no longer
    wbufsize = -1  # head and body in one packet: apart, the second waits for an answer to the first
    disable_nagle_algorithm = True

    def __init__(self, files: Files, *arguments: object) -> None:
        self._files = files
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
        if not self.is_asked_as_loopback():
            return None
        name = unquote(urlsplit(self.path).path).removeprefix("/") or _INDEX
        try:
            content = self._files.read(name)
        except OSError:
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        self.head(HTTPStatus.OK, _KINDS[name.rpartition(".")[2]], len(content), _caching(name))
        return content

    def head(self, status: HTTPStatus, kind: str, length: int, kept: str) -> None:
        """Send the head of an answer: of a kind, so many bytes, to be kept by a browser or not."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.send_header("Cache-Control", kept)
        self.send_header("X-Content-Type-Options", "nosniff")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def is_asked_as_loopback(self) -> bool:
        """Whether no other site's name was made to point here (DNS rebinding); else it is said."""
        host = self.headers.get("Host", "").rpartition(":")[0]
        if host in (HOST, "localhost"):
            return True
        self.close_connection = True
        self.send_error(HTTPStatus.FORBIDDEN, "asked for by another name than loopback's")
        return False

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _caching(name: str) -> str:
    is_fixed = _FIXED.fullmatch(name) and not name.endswith("/now.js")
    return "public, max-age=31536000, immutable" if is_fixed else "no-cache"
