"""docs/guarantees.md names tests that exist, and every promise has some or says that it has none yet."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from tests.docs import pages

PAGE = pages.ROOT / "docs" / "guarantees.md"
PROMISES = 9
NOT_YET = "Not yet"


def promises(text: str) -> dict[int, str]:
    """The section of each numbered promise."""
    parts = re.split(r"^## (\d)\. ", text, flags=re.MULTILINE)
    return {int(number): body for number, body in zip(parts[1::2], parts[2::2], strict=True)}


def named_tests(text: str) -> list[str]:
    """The tests that a text names: `tests/…/test_x.py` or `tests/…/test_x.py::test_name`."""
    return [span for _, span in pages.spans(text) if span.startswith("tests/")]


def missing(name: str, root: Path) -> str:
    """Why a named test does not exist; '' if it does."""
    file, _, function = name.partition("::")
    path = root / file
    if not path.is_file():
        return f"{name}: no such file"
    tree = ast.parse(path.read_text("utf-8"))
    tests = {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    methods = {
        f"{one.name}.runTest"
        for one in tree.body
        if isinstance(one, ast.ClassDef) and "StateMachine" in ast.unparse(one)
    }
    if not tests and not methods and "TestCase" not in path.read_text("utf-8"):
        return f"{name}: has no tests"
    return f"{name}: no such test" if function and function not in tests else ""


def test_all_nine_promises_stand_there_in_order() -> None:
    assert list(promises(PAGE.read_text("utf-8"))) == list(range(1, PROMISES + 1))


def test_every_promise_names_its_tests_or_says_not_yet() -> None:
    for number, body in promises(PAGE.read_text("utf-8")).items():
        assert bool(named_tests(body)) != (NOT_YET in body), f"promise {number}"


def test_every_named_test_exists() -> None:
    names = [name for path in pages.pages() for name in named_tests(path.read_text("utf-8")) if name.endswith(".py")]
    names += [name for path in pages.pages() for name in named_tests(path.read_text("utf-8")) if "::" in name]
    assert names
    assert [found for name in names if (found := missing(name, pages.ROOT))] == []


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("tests/docs/test_promises.py", ""),
        ("tests/docs/test_promises.py::test_every_named_test_exists", ""),
        ("tests/docs/test_promises.py::test_that_is_not_there", "no such test"),
        ("tests/docs/test_nothing.py", "no such file"),
        ("tests/docs/pages.py", "has no tests"),
    ],
)
def test_a_name_of_nothing_is_noticed(name: str, wrong: str) -> None:
    found = missing(name, pages.ROOT)
    assert found.endswith(wrong) if wrong else found == ""


def test_decisions_are_short_and_complete() -> None:
    folder = pages.ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text("utf-8")
    found = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    assert [int(path.name[:4]) for path in found] == list(range(1, len(found) + 1))
    for path in found:
        text = path.read_text("utf-8")
        assert len(text.splitlines()) <= 40, path.name
        assert f"({path.name})" in index
        assert re.search(r"^Status: (accepted|replaced by \d{4}|withdrawn)", text, re.MULTILINE), path.name
        for heading in ("## Context", "## Decision", "## Consequences"):
            assert heading in text, path.name
