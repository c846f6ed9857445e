"""The page, written anew now and then while a build goes on, at a bounded cost."""

import logging
import time
from collections.abc import Callable

from pipeline.errors import AtlasError
from pipeline.publish import site
from pipeline.store.folder import Folder
from pipeline.store.store import Store

_LOG = logging.getLogger(__name__)
_EVERY, _SHARE = 30.0, 0.03
"""Seconds between two writings at least, and the share of a build's time that they may take."""


class Refresher:
    """Writes the page when it is time to; what goes wrong there does not stop a build."""

    def __init__(self, folder: Folder, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._next = clock() + _EVERY

    def __call__(self) -> None:
        """Write the page, if it is time to."""
        began = self._clock()
        if began < self._next:
            return
        try:
            site.write(Store.open(self._folder))
        except (OSError, AtlasError) as error:
            _LOG.warning("the page was not written now, and will be later: %s", error)
        ended = self._clock()
        self._next = ended + max(_EVERY, (ended - began) / _SHARE)
