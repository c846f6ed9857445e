"""The page, written anew now and then while a build goes on, at a bounded cost."""

import logging
import time
from collections.abc import Callable

from pipeline.errors import AtlasError
from pipeline.publish import site
from pipeline.store.folder import Folder
from pipeline.store.store import Store

_LOG = logging.getLogger(__name__)


def write_page(folder: Folder) -> None:
    """Write the page of what an atlas folder holds now."""
    site.write(Store.open(folder))


class Refresher:
    """Writes the page when it is time to; what goes wrong there does not stop a build.

    Args:
        folder: the atlas folder.
        write: writes its page.
        every: seconds between two writings, at least.
        share: the share of a build's time that they may take.
        clock: tells the time, in seconds.
    """

    def __init__(
        self,
        folder: Folder,
        write: Callable[[Folder], None] = write_page,
        *,
        every: float = 30.0,
        share: float = 0.03,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._write = write
        self._every = every
        self._share = share
        self._clock = clock
        self._next = clock() + every

    def __call__(self) -> None:
        """Write the page, if it is time to."""
        began = self._clock()
        if began < self._next:
            return
        try:
            self._write(self._folder)
        except (OSError, AtlasError) as error:
            _LOG.warning("the page was not written now, and will be later: %s", error)
        ended = self._clock()
        self._next = ended + max(self._every, (ended - began) / self._share)
