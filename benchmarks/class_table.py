"""Pictures of classes in BENCHMARKS.md: a section of figures that were kept, and a sheet."""

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import report
from pipeline.config.class_names import class_names
from pipeline.config.recipes import RECIPES

KEPT = Path(__file__).with_name("classes.json")
"""Where figures are kept from run to run."""
COLUMNS, MOST = 10, 600_000
"""How wide the sheet is, in pictures, and how large its file at most, in bytes."""
HEADING = "## Pictures of classes"
RAISED = {"logits": "its logit", "softmax": "its log-odds (`softmax:`)", "p": "its probability"}
Kept = Mapping[str, Mapping[str, Any]]
"""By `RECIPE:KIND:SIZE`, what was measured."""


def again(path: Path, kept: Path = KEPT) -> None:
    """Put the section into a report, from the figures that were kept."""
    if kept.is_file():
        report.put(path, section(json.loads(kept.read_text()), class_names("imagenet", 1000)))


def section(kept: Kept, names: Sequence[str]) -> str:
    """The section: the table, and which classes it is about."""
    ways = sorted(kept, key=_place)
    judges = list(kept[ways[0]]["ranks"])
    heads = [
        "recipe", "raised", "px", "classes", "steps",
        *(f"first for {judge}" for judge in judges), "first for both", "of the first five for both",
        "processor seconds a picture",
    ]  # fmt: skip
    rows = [_row(way, kept[way]) for way in ways]
    shown = max(kept.values(), key=lambda found: len(found["classes"]))["classes"]
    machines = " and ".join(dict.fromkeys(found["machine"] for found in kept.values()))
    dates = sorted({found["date"] for found in kept.values()})
    return (
        f"{HEADING}\n\nWritten by `make bench-classes` on {' and '.join(dates)}, on {machines}. "
        "Classes of EfficientNet-Lite0, drawn from its 1,000 by a fixed seed. Judged by "
        "EfficientNet-Lite1 and Lite2, other networks, which had no part in the pictures: how "
        "often they put the very class first of 1,000. `classes` and `maco` were tuned on other "
        "classes, by the same two.\n\n"
        f"{report.table(heads, rows)}\n\n`its probability` is what the article raises; `softmax:` "
        "units raise the log-odds instead ([docs/softmax.md](docs/softmax.md)). Seconds are of one "
        "thread, with compiling and measuring.\n\n![The classes](docs/classes.jpg)\n\nThe "
        f"classes, in rows: {', '.join(names[index] for index in shown)}.{_missed(kept, names)}"
    )


def _place(way: str) -> tuple[int, int, int]:
    """Where a way stands in the table."""
    recipe, kind, size = way.split(":")
    return int(size), list(RECIPES).index(recipe), list(RAISED).index(kind)


def _row(way: str, found: Mapping[str, Any]) -> list[str]:
    recipe, kind, size = way.split(":")
    ranks = np.array(list(found["ranks"].values()))
    shares = [(each == 0).mean() for each in ranks]
    shares += [(ranks == 0).all(axis=0).mean(), (ranks < 5).all(axis=0).mean()]
    return [
        f"`{recipe}`", RAISED[kind], size, f"{ranks.shape[1]}", f"{found['steps']}",
        *(f"{share:.0%}" for share in shares), f"{found['seconds']:.1f}",
    ]  # fmt: skip


def _missed(kept: Kept, names: Sequence[str]) -> str:
    """What the judges do not put first of the largest pictures by the best recipe."""
    found = kept.get("classes:logits:224")
    if found is None:
        return ""
    ranks = np.array(list(found["ranks"].values())).T
    missed = [
        f"{names[index]} ({', '.join(str(rank + 1) for rank in places)})"
        for index, places in zip(found["classes"], ranks, strict=True)
        if any(places)
    ]
    said = "; ".join(missed) or "none"
    return f"\n\nNot first for both, with its place for each: {said}."


def page(images: np.ndarray) -> bytes:
    """All pictures on a sheet, as the best JPEG that is small enough."""
    rows = [np.hstack(list(images[i : i + COLUMNS])) for i in range(0, len(images), COLUMNS)]
    sheet, small = Image.fromarray(np.vstack(rows)), b""
    for quality in range(90, 20, -5):
        file = BytesIO()
        sheet.save(file, "JPEG", quality=quality, optimize=True, progressive=True)
        small = file.getvalue()
        if len(small) < MOST:
            break
    return small
