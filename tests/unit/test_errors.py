"""The catalogue of errors: each is formed from its facts, has its status, and says what to do next."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest

import telex
from telex import errors
from telex.errors import (
    AskedFirst,
    Bug,
    CommandUnstartable,
    LocalFault,
    NotFound,
    Refused,
    RemoteFault,
    StoreFault,
    TelexError,
    TimedOut,
    WrongWords,
    answers,
    between,
    settings,
)

FAMILIES = {TelexError, LocalFault, RemoteFault, WrongWords, Refused, NotFound, StoreFault}


def every(kind: type[TelexError] = TelexError) -> list[type[TelexError]]:
    """All errors that are raised themselves."""
    found = [] if kind in FAMILIES else [kind]
    for below in kind.__subclasses__():
        if below.__module__.startswith("telex.errors"):
            found += every(below)
    return found


CATALOGUE = every()
KINDS = {one.__name__: one for one in CATALOGUE}
EACH = pytest.mark.parametrize("kind", CATALOGUE, ids=lambda one: one.__name__)


def facts(kind: type[TelexError]) -> dict[str, str]:
    """Something for every gap in its sentences."""
    gaps = {name for text in (kind.text, kind.hint) for _, name, _, _ in string.Formatter().parse(text) if name}
    return dict.fromkeys(gaps, "fact")


def test_the_catalogue_is_all_there_is() -> None:
    defined = {
        one
        for one in (vars(errors) | vars(between) | vars(answers) | vars(settings)).values()
        if isinstance(one, type) and issubclass(one, TelexError)
    }
    assert defined == set(CATALOGUE) | FAMILIES


def test_every_code_is_used_once() -> None:
    codes = [kind.code for kind in CATALOGUE]
    assert len(codes) == len(set(codes))
    assert all(code and not set(code) - set(string.ascii_lowercase + "-") for code in codes)


@EACH
def test_it_says_what_happened_and_what_to_do_next(kind: type[TelexError]) -> None:
    made = kind(**facts(kind))
    assert made.message
    assert made.advice
    assert str(made) == made.message
    for line in (made.message, made.advice):
        assert "\n" not in line
        assert "{" not in line.replace('{"pr": 12}', "")


@EACH
def test_its_sentences_are_lower_case_and_end_without_a_stop(kind: type[TelexError]) -> None:
    for text in (kind.text, kind.hint):
        assert not text[:1].isupper() or text.startswith(("UTF-8", "JSON"))
        assert not text.endswith((".", "!"))


@EACH
def test_its_docstring_says_when(kind: type[TelexError]) -> None:
    assert kind.__doc__
    assert kind.__doc__.endswith(".")


@EACH
def test_its_status_is_its_familys(kind: type[TelexError]) -> None:
    families: dict[type[TelexError], int] = {WrongWords: 2, Refused: 3, NotFound: 4, TimedOut: 5, AskedFirst: 6}
    families[answers.AnswerLost] = 7
    families[CommandUnstartable] = 127  # what a shell answers for a command that it cannot start
    expected = next((status for family, status in families.items() if issubclass(kind, family)), 1)
    assert kind.status == expected


@EACH
def test_it_has_the_documented_shape_in_json(kind: type[TelexError]) -> None:
    made = kind(**facts(kind))
    expected = {"code": kind.code, "message": made.message, "hint": made.advice, "status": kind.status}
    assert made.as_dict() == expected


@EACH
def test_it_is_somebodys_fault(kind: type[TelexError]) -> None:
    assert kind is Bug or issubclass(kind, (LocalFault, RemoteFault))


def test_a_fact_with_braces_is_not_a_template() -> None:
    hostile = "{__class__} {0} {x} {{"
    assert hostile in errors.FileUnreadable(path=hostile, problem="{home}").message


def raised() -> list[tuple[str, int, str, set[str]]]:
    """(file, line, class, facts given) of every error that the source makes."""
    found = []
    names = {kind.__name__ for kind in CATALOGUE}
    for path in sorted(Path(telex.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                given = {word.arg or "**" for word in node.keywords}
                found.append((path.name, node.lineno, node.func.id, given))
    return found


def test_wherever_an_error_is_made_it_is_given_its_facts() -> None:
    calls = raised()
    assert len(calls) > 50
    for file, line, name, given in calls:
        assert given >= set(facts(KINDS[name])), f"{file}:{line} {name}"


def test_every_error_is_used_somewhere() -> None:
    used = set()
    for path in Path(telex.__file__).parent.rglob("*.py"):
        if path.parent.name != "errors":
            used |= {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
    assert {kind.__name__ for kind in CATALOGUE} <= used
