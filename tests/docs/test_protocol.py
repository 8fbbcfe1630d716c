"""docs/protocol says what the code does: each structure, route, refusal and number that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from telex import limits
from telex.wire import envelope, faults, pairing, records, signing
from telex.wire.routes import ROUTES

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "protocol"
PAGES = sorted(FOLDER.glob("*.md"))
TEXT = "\n".join(page.read_text("utf-8") for page in PAGES)

STRUCTS = {
    one.__name__: one
    for module in (envelope, records, pairing)
    for one in vars(module).values()
    if isinstance(one, type) and issubclass(one, msgspec.Struct) and one.__module__ == module.__name__
}


def documented(name: str) -> list[str]:
    """The fields in the table under a structure's heading."""
    section = TEXT.split(f"\n### `{name}`\n", 1)[1].split("\n#", 1)[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


def first_column(page: str, heading: str) -> list[str]:
    """The code in the first column of the first table after a heading or sentence."""
    rest = (FOLDER / page).read_text("utf-8").split(heading, 1)[1]
    table = re.search(r"(?:^\|.*\n)+", rest, re.MULTILINE)
    assert table is not None
    return re.findall(r"^\| `([^`]+)` \|", table[0], re.MULTILINE)


@pytest.mark.parametrize("name", sorted(STRUCTS))
def test_a_structure_is_described_field_by_field(name: str) -> None:
    assert documented(name) == list(STRUCTS[name].__struct_fields__)


def test_no_structure_is_described_that_there_is_not() -> None:
    assert set(re.findall(r"^### `(\w+)`$", TEXT, re.MULTILINE)) == set(STRUCTS)


def test_every_route_is_listed() -> None:
    assert first_column("http.md", "## Routes") == [f"{one.method} {one.path}" for one in ROUTES]


def test_who_may_call_a_route_is_what_its_row_says() -> None:
    for one in ROUTES:
        row = next(line for line in TEXT.split("\n") if line.startswith(f"| `{one.method} {one.path}` |"))
        told = row.split("|")[3].strip()
        assert told == {(): "anybody", ("signed",): "a member's key alone"}.get(one.roles, ", ".join(one.roles))


def test_every_refusal_is_listed_with_its_status() -> None:
    assert first_column("http.md", "## Refusals") == [one.code for one in faults.FAULTS]
    for one in faults.FAULTS:
        assert f"| `{one.code}` | {one.status} |" in TEXT


def test_every_tombstone_is_listed() -> None:
    assert first_column("http.md", "Why an item is a tombstone") == list(faults.TOMBSTONES)


def test_every_number_is_what_it_says() -> None:
    named = re.findall(r"`([A-Z][A-Z_]+)`\s+\((\d+)\)", TEXT)
    assert len(named) >= 10
    assert [(name, str(getattr(limits, name, None))) for name, _ in named] == named


def test_every_name_in_capitals_is_a_limit() -> None:
    assert [name for name in re.findall(r"`([A-Z]+_[A-Z_]+)`", TEXT) if not hasattr(limits, name)] == []


def test_every_label_that_is_signed_is_told() -> None:
    for label in (envelope.SIGNED, records.SIGNED, signing.SIGNED):
        assert label.decode().replace("\0", "\\0") in TEXT
    for header in (signing.TIME, signing.NONCE, signing.SIGNATURE, signing.NOW):
        assert header in TEXT


def test_every_page_is_in_the_index() -> None:
    index = (FOLDER / "README.md").read_text("utf-8")
    assert [page.name for page in PAGES if page.name != "README.md" and f"({page.name})" not in index] == []
