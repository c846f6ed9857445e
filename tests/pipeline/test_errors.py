"""Tests of the error hierarchy."""

import inspect
import pickle
import re

import pytest

from pipeline import errors

CLASSES = [
    item
    for _, item in inspect.getmembers(errors, inspect.isclass)
    if item.__module__ == errors.__name__
]


def test_the_tree_in_the_docstring_names_every_class() -> None:
    drawn = re.findall(r"\b\w+Error\b", errors.__doc__ or "")
    assert sorted(drawn) == sorted(item.__name__ for item in CLASSES)


@pytest.mark.parametrize("error", CLASSES)
def test_each_error_is_documented_and_ends_in_one_exit_code(error: type[Exception]) -> None:
    assert error.__doc__
    assert issubclass(error, errors.AtlasError)
    families = (errors.UsageError, errors.MissingError, errors.WorkError)
    of = [family for family in families if issubclass(error, family)]
    assert len(of) == 1 or error is errors.AtlasError


@pytest.mark.parametrize("error", CLASSES)
def test_errors_travel_between_processes(error: type[Exception]) -> None:
    copy = pickle.loads(pickle.dumps(error("why")))
    assert type(copy) is error
    assert str(copy) == "why"
