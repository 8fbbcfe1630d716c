"""The planted mistakes themselves: each changes a name that the product has.

What would break: after a rename, a mistake that stops its launcher, or that changes nothing. A test that expects
something to go wrong would then pass without having looked.
"""

from __future__ import annotations

import ast
import importlib

import pytest
from tests.crash import planted

MISTAKES = {name: text for name, text in vars(planted).items() if name.isupper()}


def missing(text: str) -> list[str]:
    """The names that a mistake imports or replaces, and that do not exist."""
    tree = ast.parse(text)
    known: dict[str, object] = {}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {one.name: importlib.import_module(one.name) for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            for one in node.names:
                try:
                    known[one.asname or one.name] = _imported(node.module or "", one.name)
                except (ImportError, AttributeError):
                    found.append(f"{node.module}.{one.name}")
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        found += [ast.unparse(one) for one in targets if isinstance(one, ast.Attribute) and not _exists(one, known)]
    return found


def _imported(module: str, name: str) -> object:
    found = importlib.import_module(module)
    return getattr(found, name) if hasattr(found, name) else importlib.import_module(f"{module}.{name}")


def _exists(target: ast.Attribute, known: dict[str, object]) -> bool:
    path = ast.unparse(target).split(".")
    found = known.get(path[0])
    for name in path[1:]:
        if not hasattr(found, name):
            return False
        found = getattr(found, name)
    return True


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_changes_what_the_product_has(name: str) -> None:
    assert missing(MISTAKES[name]) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from telex.hook import gone\n", ["telex.hook.gone"]),
        ("from telex.gone import lock\n", ["telex.gone.lock"]),
        ("from telex.fs import lock\nlock.FileLock.gone = None\n", ["lock.FileLock.gone"]),
        ("from telex.hook import delivery\ndelivery.mail = None\n", ["delivery.mail"]),
    ],
)
def test_a_mistake_whose_names_are_gone_is_noticed(text: str, found: list[str]) -> None:
    assert missing(text) == found
