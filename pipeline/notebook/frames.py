"""An atlas's page in a frame of a notebook, served by the notebook's own kernel."""

import functools
import html
import threading
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from pipeline.publish.serve import HOST, serve
from pipeline.store.folder import Folder


@dataclass(frozen=True)
class Frame:
    """An atlas's page; a notebook shows it in a frame, as long as the kernel runs.

    Attributes:
        address: of the page, on loopback.
        title: what it shows.
        height: of the frame, in pixels.
    """

    address: str
    title: str
    height: int = 640

    def _repr_html_(self) -> str:
        address, title = html.escape(self.address), html.escape(self.title)
        return (
            f'<iframe src="{address}" title="{title}" width="100%" height="{self.height}" '
            'loading="lazy" style="border:1px solid #8886;border-radius:6px"></iframe>'
            f'<div><a href="{address}" target="_blank" rel="noopener">{title}, in a tab of its '
            "own</a>: there as long as this kernel runs, for browsers on its machine.</div>"
        )


def frame(folder: Folder, unit: str, query: str, height: int, port: int) -> Frame:
    """A frame of a page, which is served from now on.

    Args:
        folder: the atlas folder.
        unit: the id of the unit to open, or nothing.
        query: what to search for, or nothing.
        height: of the frame, in pixels.
        port: of loopback; 0 for any free one.

    Raises:
        MissingError: there is no page.
        ConfigError: the port cannot be had.
    """
    asked = f"?{urlencode({'q': query})}" if query else ""
    address = f"http://{HOST}:{_served(folder, port)}/#{quote(unit, safe='/:@,+-~*>')}{asked}"
    return Frame(address, _title(unit, query), height)


def _title(unit: str, query: str) -> str:
    if unit:
        return f"Page of {unit}"
    return f"Units found by {query}" if query else "The atlas's page"


@functools.cache
def _served(folder: Folder, port: int) -> int:
    """The port of a folder's one server, a thread that ends with the process."""
    server = serve(folder, port)
    threading.Thread(target=server.serve_forever, name="atlas page", daemon=True).start()
    return int(server.server_port)
