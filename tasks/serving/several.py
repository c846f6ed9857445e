"""Serving several atlases side by side on loopback: their one page, and each one's own beside it.

Each atlas's own page has a server of its own, an origin of its own: what comes with one atlas can
write no notes into another.
"""

import contextlib
import json
import tempfile
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

from pipeline.publish import serve, site
from pipeline.publish.serve import Files
from pipeline.store.folder import LocalFolder
from pipeline.together import page
from pipeline.together.opened import Opened, Side
from tasks.serving.view import HOST, view


@contextlib.contextmanager
def several(opened: Opened, port: int, way: str | None = None) -> Iterator[ThreadingHTTPServer]:
    """A server of the page of several atlases, bound and not yet running; the others run.

    Args:
        opened: the atlases.
        port: of 127.0.0.1; 0 for any free one.
        way: how units are put side by side, see `pipeline.together.pairs.of`.

    Raises:
        ConfigError: the port cannot be had.
        MissingError, DamageError: as `pipeline.together.page.write`.
    """
    with tempfile.TemporaryDirectory(prefix="atlas-") as root, contextlib.ExitStack() as stack:
        folder = LocalFolder(Path(root))
        homes = {s.key: s.store.folder for s in opened.sides if s.store.folder.has(site.NAME)}
        page.write(opened, folder, way, homes)
        every = {s.key: homes.get(s.key) or page.below(folder, s.key) for s in opened.sides}
        own = {
            side.key: stack.enter_context(_own(side)) for side in opened.sides if side.key in homes
        }
        files = Files(
            folder,
            under="",
            inner={key: Files(home) for key, home in every.items()},
            told={"own": json.dumps(own)},
        )
        with serve.listen(files, port) as server:
            yield server


@contextlib.contextmanager
def _own(side: Side) -> Iterator[str]:
    """An atlas's own page, served while this lasts; its address."""
    with view(side.store.folder, 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join(10)
