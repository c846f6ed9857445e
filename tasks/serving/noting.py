"""Notes that are typed on a page: written into the atlas, for the page's own asking alone.

    POST /note   {"unit": id, "called": text, "note": text, "before": [called, note]}
    GET  /notes  what is noted, by unit id

A page of another site can neither read the token nor send the header that it goes in, nor is an
answer shown to it. What somebody else wrote meanwhile is never replaced: it is sent back instead.
"""

import contextlib
import hmac
import json
import logging
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from typing import Any

from pipeline.atlas import Atlas
from pipeline.errors import AtlasError, AtlasFolderError, ChangedError, MissingError, UnitError
from pipeline.explore import notes

PATH, ALL = "note", "notes"
TOKEN = "X-Atlas-Token"  # noqa: S105, the name of a header
LONGEST = 128 * 1024
"""Bytes of what is sent: a note, twice, of letters of twelve bytes each as JSON, and more."""
_WANTED = {"unit": str, "called": str, "note": str, "before": list}
_STATUSES: Mapping[type[AtlasError], HTTPStatus] = {
    ChangedError: HTTPStatus.CONFLICT,
    AtlasFolderError: HTTPStatus.SERVICE_UNAVAILABLE,
    MissingError: HTTPStatus.NOT_FOUND,
    UnitError: HTTPStatus.NOT_FOUND,
}
_log = logging.getLogger(__name__)


class Refused(Exception):  # noqa: N818, it is an answer
    """What was sent is not taken.

    Attributes:
        status: of the answer.
        said: why, in words.
    """

    def __init__(self, status: HTTPStatus, said: str) -> None:
        super().__init__(said)
        self.status = status
        self.said = said


@dataclass(frozen=True)
class Noter:
    """Takes notes for an atlas.

    Attributes:
        atlas: that they are written into.
        token: that the page shows to be the page.
    """

    atlas: Atlas
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def all(self) -> dict[str, list[str]]:
        """By unit id what it is called and the note on it.

        Raises:
            Refused: what is noted is damaged.
        """
        try:
            said = notes.said(self.atlas.folder)
        except AtlasError as error:
            raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, str(error)) from error
        return {unit: list(said.on(unit)) for unit in {*said.called, *said.notes}}

    def check(self, headers: Message) -> int:
        """See that it is the page that sends something, and how many bytes.

        Raises:
            Refused: it is not, or it sends too much, or something else.
        """
        host, origin = headers.get("Host", ""), headers.get("Origin")
        if origin != f"http://{host}" or headers.get("Sec-Fetch-Site", "same-origin") != (
            "same-origin"
        ):
            raise Refused(HTTPStatus.FORBIDDEN, "notes are taken from the atlas's own page alone")
        self.check_token(headers)
        if headers.get("Content-Type") != "application/json":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected application/json")
        length = headers.get("Content-Length", "")
        if headers.get("Transfer-Encoding") or not (length.isascii() and length.isdigit()):
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "expected a length")
        if len(length) > len(str(LONGEST)) or int(length) > LONGEST:
            raise Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected {LONGEST:,} bytes at most"
            )
        return int(length)

    def check_token(self, headers: Message) -> None:
        """See that whoever asks has read the page.

        Raises:
            Refused: it has not.
        """
        given = headers.get(TOKEN, "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self.token.encode()):
            said = "the page was opened before it was served anew: reload it"
            raise Refused(HTTPStatus.FORBIDDEN, said)

    def take(self, body: bytes) -> dict[str, Any]:
        """Write a note; what is noted on the unit then.

        Raises:
            Refused: it is no note, on no unit of the atlas, or something is in its way.
        """
        unit, called, note, before = _read(body)
        with self._lock:
            try:
                if unit not in self.atlas:
                    raise MissingError(f"this atlas has no unit {unit[:80]}")
                self.atlas.annotate({unit: note}, {unit: called}, {unit: before})
            except ChangedError as error:
                raise Refused(HTTPStatus.CONFLICT, str(error)) from error
            except AtlasError as error:
                raise Refused(_status(error), str(error)) from error
            except OSError as error:
                said = f"the atlas cannot be written: {error.strerror or error}"
                raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, said) from error
        return self.now(unit)

    def now(self, unit: str) -> dict[str, Any]:
        """What is noted on a unit."""
        return {"unit": unit, "said": list(notes.known(self.atlas.folder).on(unit))}

    def answer(self, refused: Refused, body: bytes) -> dict[str, Any]:
        """What is said of a refusal; where somebody wrote meanwhile, what."""
        said: dict[str, Any] = {"problem": refused.said}
        if refused.status == HTTPStatus.CONFLICT:
            with contextlib.suppress(Refused):
                said |= self.now(_read(body)[0])
        return said


def _status(error: AtlasError) -> HTTPStatus:
    found = (status for kind, status in _STATUSES.items() if isinstance(error, kind))
    return next(found, HTTPStatus.BAD_REQUEST)


def _read(body: bytes) -> tuple[str, str, str, tuple[str, str]]:
    """The unit, its name, its note, and both as they were thought to be."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        given = None
    is_whole = isinstance(given, dict) and {n: type(v) for n, v in given.items()} == _WANTED
    if not is_whole or [type(one) for one in given["before"]] != [str, str]:
        raise Refused(
            HTTPStatus.BAD_REQUEST, "expected a unit, its name, its note, and both before"
        )
    called, note = given["before"]
    return given["unit"], given["called"], given["note"], (called, note)
