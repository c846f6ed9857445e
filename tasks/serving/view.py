"""Serving an atlas's page on loopback, and writing into the atlas what is noted on it."""

import json
from functools import partial
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from typing import Any

from typing_extensions import override

from pipeline.atlas import Atlas
from pipeline.publish import serve
from pipeline.publish.serve import Files
from pipeline.store.folder import Folder
from tasks.serving import noting
from tasks.serving.noting import Noter, Refused

HOST = serve.HOST


def view(folder: Folder, port: int) -> ThreadingHTTPServer:
    """A server of an atlas's page that takes notes, bound and not yet running.

    Args:
        folder: the atlas folder.
        port: of 127.0.0.1; 0 for any free one.

    Raises:
        AtlasFolderError: it is no atlas.
        MissingError: there is no page.
        ConfigError: the port cannot be had.
    """
    serve.check(folder)
    noter = Noter(Atlas.open(folder))
    files = Files(folder, told={"token": noter.token})
    return serve.listen(files, port, partial(Handler, noter))


class Handler(serve.Handler):
    """Takes notes, too."""

    def __init__(self, noter: Noter, files: Files, *arguments: object) -> None:
        self._noter = noter
        super().__init__(files, *arguments)

    @override
    def do_GET(self) -> None:
        """Send a file, or what is noted."""
        if self.path != f"/{noting.ALL}":
            super().do_GET()
        elif self.is_asked_as_loopback():
            try:
                self._noter.check_token(self.headers)
                self._say(HTTPStatus.OK, self._noter.all())
            except Refused as refused:
                self._say(refused.status, {"problem": refused.said})

    def do_POST(self) -> None:  # noqa: N802, as http.server calls it
        """Take a note."""
        if not self.is_asked_as_loopback():
            return
        if self.path != f"/{noting.PATH}":
            self.close_connection = True
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        body = b""
        try:
            body = self.rfile.read(self._noter.check(self.headers))
            self._say(HTTPStatus.OK, self._noter.take(body))
        except Refused as refused:
            self.close_connection = True  # what was not read is not taken for what is asked next
            self._say(refused.status, self._noter.answer(refused, body))

    def _say(self, status: HTTPStatus, value: Any) -> None:
        content = json.dumps(value).encode()
        self.head(status, "application/json", len(content), "no-store")
        self.wfile.write(content)
