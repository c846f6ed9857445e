"""Tests of serving several atlases: each own page has an origin of its own."""

import json
import re
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pairs as made
import pytest

from pipeline.publish import site
from pipeline.store.store import Store
from pipeline.together.opened import opened
from tasks.serving.several import several


def get(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=20) as answer:
        return bytes(answer.read())


def test_each_own_page_has_an_origin_of_its_own(tmp_path: Path) -> None:
    names = made.before_and_after(tmp_path)
    site.write(Store.open(names[1]))
    with several(opened(names), 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        base = f"http://127.0.0.1:{server.server_port}/"
        text = get(base).decode()
        own = json.loads(re.search(r'atlas-own" content="([^"]*)"', text)[1].replace("&quot;", '"'))
        assert set(own) == {"after"}  # the other has no page: one is written, to look at
        assert own["after"] != base
        assert b"atlas-token" in get(own["after"])
        assert b"atlas-token" not in get(f"{base}after/index.html")
        assert b"<title>" in get(f"{base}before/index.html")
        for name in ("after/site.json", "after/../together.json", "after/atlas.zarr/zarr.json"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                get(base + name)
        server.shutdown()
        thread.join(10)
    with pytest.raises(urllib.error.URLError):
        get(own["after"])
