"""No envelope gets past its seal, its signature and the judge; and the fuzz that says so is able to notice."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType
from typing import Any, get_type_hints

import msgspec
import pytest
from tests.fuzz import envelope_fuzz

from telex.core.members import Machine
from telex.crypto import signatures
from telex.link import judge, seal
from telex.wire.envelope import Letter, Receipts

Patch = tuple[ModuleType | type, str, Any]


def test_no_hostile_envelope_is_taken_wrongly() -> None:
    assert envelope_fuzz.run(10_000, seed=20) == (10_000, [])


def test_the_fuzz_runs_as_a_program_and_prints_what_it_found() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.envelope_fuzz", "--cases", "300", "--seed", "3"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "300 cases, 0 wrong\n", "")


def _unbound(key: bytes, sealed: bytes, about: bytes) -> bytes | None:
    """Opens with any header that was ever sealed with."""
    return next((found for raw, _ in SEALED if (found := UNLOCKED(key, sealed, raw)) is not None), None)


def _without_bounds(of: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The same type, with none of the bounds of its fields."""
    plain = get_type_hints(of)
    fields = [(one.name, plain[one.name], one.default) for one in msgspec.structs.fields(of)]
    given = [(name, kind) if default is msgspec.NODEFAULT else (name, kind, default) for name, kind, default in fields]
    return msgspec.defstruct(of.__name__, given, bases=(of,), tag="letter", kw_only=True, frozen=True)


UNLOCKED, SEALED, MISMATCH = seal._unlocked, envelope_fuzz.SEALED, seal._mismatch
BUGS: dict[str, list[Patch]] = {
    "signatures are not looked at": [(signatures, "good", lambda *_: True)],
    "neither seal nor signature holds the header": [
        (seal, "_unlocked", _unbound),
        (signatures, "good", lambda *_: True),
    ],
    "the judge takes everything": [(judge, "problem", lambda _: "")],
    "names are not judged": [(judge, "_of_names", lambda _: "")],
    "texts are not judged": [(judge, "_of_texts", lambda _: "")],
    "numbers are not bounded": [(seal, "_PAYLOAD", msgspec.json.Decoder(_without_bounds(Letter) | Receipts))],
    "receipts are not judged": [(judge, "_of_receipts", lambda _: "")],
    "header and content need not fit": [(seal, "_mismatch", lambda *_: "")],
    "every machine is an owner": [(Machine, "role_at", lambda *_: "owner")],
}


@pytest.mark.parametrize("bug", BUGS)
def test_the_fuzz_catches_the_planted_bug(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for where, name, broken in BUGS[bug]:
        monkeypatch.setattr(where, name, broken)
    _, wrong = envelope_fuzz.run(30_000, seed=7, most=1)
    assert wrong, bug


def test_the_planted_bugs_are_what_was_caught() -> None:
    assert envelope_fuzz.run(30_000, seed=7, most=1) == (30_000, [])
