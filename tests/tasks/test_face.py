"""Tests of the public face of `tasks`; that it costs nothing: tests/pipeline/test_face.py."""

import pytest

import tasks

NAMES = ["Progress", "build_atlas", "build_study"]


def test_public_names() -> None:
    assert tasks.__all__ == NAMES
    assert set(NAMES) <= set(dir(tasks))
    assert [getattr(tasks, name).__module__ for name in NAMES] == [
        "tasks.progress", "tasks.notebook", "tasks.notebook",
    ]  # fmt: skip


def test_another_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="module 'tasks' has no attribute 'build_atlases'"):
        getattr(tasks, "build_atlases")  # noqa: B009, the checker knows too
