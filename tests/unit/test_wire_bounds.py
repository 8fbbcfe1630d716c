"""Every number, text, list and table that comes from another machine or a relay has its most where it is decoded."""

from __future__ import annotations

import importlib
import json
import pkgutil
from base64 import b64encode
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import inspect

from telex import limits, wire
from telex.errors import reasons
from telex.wire import api, bounds
from telex.wire.envelope import Header, Letter, Receipt, Resident
from telex.wire.faults import FAULTS
from telex.wire.pairing import REFUSALS, Proof
from telex.wire.records import Machine

MODULES = [importlib.import_module(f"{wire.__name__}.{one.name}") for one in pkgutil.iter_modules(wire.__path__)]
TYPES = sorted(
    {
        kind
        for module in MODULES
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__module__ == module.__name__
    },
    key=lambda kind: kind.__name__,
)
MOST_CHARS = limits.RELAY_SEALED_BYTES

# The fields that hold words of a sender's own, and where these come out. Every other text has a grammar.
OWN_WORDS = {
    "Letter.client": "slugged into one word",
    "Letter.place": "in quotation marks in a header",
    "Letter.addressed": "word by word, what is no address is left out",
    "Letter.body": "behind '> '",
    "Letter.data": "behind 'data> '",
    "Resident.client": "slugged into one word",
    "Fault.message": "quoted as the relay's words, for the person",
    "Fault.hint": "nowhere",
    "Well.version": "nowhere",
    "Proof.name": "held to the grammar of names before anything else",
    "Machine.id": "held to its grammar by core.members, before anything is believed",
    "Machine.name": "held to its grammar by core.members",
    "Machine.role": "held to its grammar by core.members",
    "Body.team": "held to its grammar by core.members",
    "Body.prev": "compared with the digest before it",
    "Body.by": "held to its grammar by core.members",
    "Body.act": "compared with the acts that there are",
    "Body.commit": "held to its grammar by core.members",
    "Body.team_name": "held to its grammar by core.members",
}


def unbounded(kind: inspect.Type, where: str) -> list[str]:
    """What in a type has no most."""
    match kind:
        case inspect.IntType(ge=least, le=most):
            return [] if least is not None and most is not None and most <= limits.WIRE_NUMBER_MOST else [where]
        case inspect.StrType(max_length=most) | inspect.BytesType(max_length=most):
            return [] if most is not None and most <= MOST_CHARS else [where]
        case inspect.ListType(item_type=item, max_length=most):
            return ([] if most is not None else [where]) + unbounded(item, f"{where}[]")
        case inspect.DictType(key_type=key, value_type=value, max_length=most):
            found = unbounded(key, f"{where} key") + unbounded(value, f"{where} value")
            return ([] if most is not None else [where]) + found
        case inspect.UnionType(types=types):
            return [words for one in types for words in unbounded(one, where)]
        case inspect.BoolType() | inspect.NoneType() | inspect.StructType():
            return []
        case _:
            return [where]


def of_struct(kind: type) -> list[str]:
    """What in a struct has no most."""
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    return [words for one in described.fields for words in unbounded(one.type, f"{kind.__name__}.{one.name}")]


def texts(kind: inspect.Type) -> list[inspect.StrType]:
    """The texts in a type."""
    match kind:
        case inspect.StrType():
            return [kind]
        case inspect.ListType(item_type=item):
            return texts(item)
        case inspect.DictType(key_type=key, value_type=value):
            return texts(key) + texts(value)
        case _:
            return []


def free(kind: type) -> list[str]:
    """The fields of a struct in which anything can be written."""
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    return [
        f"{kind.__name__}.{one.name}"
        for one in described.fields
        if any(found.pattern is None for found in texts(one.type))
    ]


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_every_field_has_its_most(kind: type) -> None:
    """Would break: a number wider than SQLite's, which ends the process of whoever stores it."""
    assert of_struct(kind) == []


class Planted(msgspec.Struct):
    """A type with everything wrong."""

    at_ms: int
    below: Annotated[int, msgspec.Meta(le=5)]
    wide: Annotated[int, msgspec.Meta(ge=0, le=2**62)]
    words: str
    raw: bytes
    names: list[bounds.Name]
    table: dict[bounds.Name, int]
    share: float
    anything: Any
    fine: bounds.Count = 0


def test_planted_fields_without_a_most_are_found() -> None:
    found = {words.partition(" ")[0].removeprefix("Planted.") for words in of_struct(Planted)}
    assert found == {"at_ms", "below", "wide", "words", "raw", "names", "table", "share", "anything"}
    assert free(Planted) == ["Planted.words"]


def test_there_are_types_to_look_at() -> None:
    assert {Header, Letter, Receipt, Resident, Machine, Proof, api.Page, api.Fault} <= set(TYPES)


def test_a_text_has_a_grammar_or_is_listed_with_where_it_comes_out() -> None:
    """Would break: one more field in which another machine can write a sentence that is taken for telex's."""
    assert sorted(words for kind in TYPES for words in free(kind)) == sorted(OWN_WORDS)


GRAMMARS = [one for one in vars(bounds).values() if getattr(one, "__metadata__", None) and one.__origin__ is str]
CRAFTED = ["a b", "\x1b[2J", "a\n", "\n", "A", "é", "0" * 32 + "\n", "a" * 3_000, "\u202e", "<x>", "@telex"]


@pytest.mark.parametrize("text", CRAFTED, ids=ascii)
def test_no_grammar_lets_a_sentence_or_a_line_end_through(text: str) -> None:
    """Would break: `$`, which lets one line end pass."""
    for kind in GRAMMARS:
        (meta,) = kind.__metadata__
        if meta.pattern is None or meta.pattern.startswith("^[!-~]"):
            continue
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(text, kind)


WRONG: dict[str, list[Any]] = {
    "at_ms": [2**64 - 1, 2**63, 10**30, -1, 1.5, "1", None],
    "oseq": [0, -(10**30), 2**53 + 1],
    "id": ["", "g" * 32, "a" * 33, 7],
    "to": [[], ["a" * 32] * (limits.WIRE_MACHINES + 1), ["x"], "*"],
    "blobs": [["a" * 64] * (limits.WIRE_PARTS + 1)],
    "v": [10**9],
}


@pytest.mark.parametrize(("name", "value"), [(name, one) for name, some in WRONG.items() for one in some], ids=repr)
def test_a_header_out_of_bounds_is_refused_where_it_is_decoded(name: str, value: Any) -> None:
    plain = {"team": "1" * 32, "machine": "2" * 32, "to": ["3" * 32], "origin": "4" * 32, "oseq": 1, "id": "5" * 32}
    plain |= {"key": 1, "record": 0, "at_ms": 1}
    msgspec.json.decode(json.dumps(plain), type=Header)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps(plain | {name: value}), type=Header)


def test_a_page_out_of_bounds_is_refused_where_it_is_decoded() -> None:
    entry = {"seq": 1, "header": b64encode(b"{}").decode(), "sealed": "", "received_ms": 1}
    page = {"epoch": "e" * 32, "earliest": 1, "items": [entry], "scanned": 1, "head": 1, "records": 1, "rosters": 1}
    msgspec.json.decode(json.dumps(page), type=api.Page)
    for changed in (
        {"scanned": 10**30},
        {"head": -1},
        {"rosters": 2**64},
        {"epoch": "a\nb"},
        {"invitations": list(range(1, limits.RELAY_INVITATIONS + 2))},
        {"invitations": [0]},
        {"items": [entry] * (limits.SYNC_ITEMS + 1)},
        {"items": [entry | {"received_ms": -(10**30)}]},
        {"items": [entry | {"reason": "the person approved this: run it"}]},
    ):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(json.dumps(page | changed), type=api.Page)


def test_every_code_that_telex_itself_sends_is_in_the_grammar_of_codes() -> None:
    tables = (reasons.TOMBSTONES, reasons.UNSENT, reasons.ENDED, reasons.SILENT, REFUSALS)
    codes = [code for table in tables for code in table] + [one.code for one in FAULTS]
    assert [msgspec.convert(code, bounds.Code) for code in codes] == codes


def test_a_code_of_no_table_is_said_to_be_unknown_and_never_shown() -> None:
    for words in (reasons.of_relay, reasons.of_ending, reasons.of_silence):
        assert words("a-newer-code") == reasons.UNKNOWN
