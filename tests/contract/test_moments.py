"""Every client's table of moments says what is installed, what was recorded, what is documented, and what is proved."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from tests.clients.proofs import PROOFS

from telex.clients import hook_points, registry, types
from telex.clients.hook_points import APPROVAL, END, IDLE, MAIL
from telex.clients.types import HookFile, Moment, OwnFile, Where
from telex.fs import processes

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT / "tests" / "clients"
PAYLOADS = ROOT / "tests" / "acceptance" / "payloads"
WHERE = Where(scope=types.USER, user_home="/home/you", project_dir="", home="/h", hook="/h/bin/hook.py")
NOT_HOOKS = {"FileChanged on the bell", "the plugin's monitor", "the session's inbox socket", "codex queue"}

client = pytest.mark.parametrize("client", registry.names())


def rows(client: str) -> tuple[Moment, ...]:
    return registry.client(client).moments


def doors(client: str) -> set[str]:
    """The hooks and events among the doors of a client."""
    return {door for row in rows(client) for door in row.door.split(", ") if door and door not in NOT_HOOKS}


def installed(client: str) -> str:
    """All that `telex install` writes for a client, as text."""
    written = ""
    for piece in registry.client(client).pieces(WHERE):
        if isinstance(piece, HookFile):
            written += json.dumps({entry.event: entry.group for entry in piece.entries})
        elif isinstance(piece, OwnFile):
            written += piece.content.decode()
    return written


@client
def test_every_moment_is_told_and_a_missing_door_has_a_reason(client: str) -> None:
    assert {row.when for row in rows(client)} == {*MAIL, APPROVAL, END}
    assert len({(row.when, row.door) for row in rows(client)}) == len(rows(client))
    assert all(row.since and (row.door or row.note) for row in rows(client))


@client
def test_every_row_names_a_test_with_the_real_program_and_no_other_row_does(client: str) -> None:
    assert set(PROOFS[client]) == {(row.when, row.door) for row in rows(client)}
    for proof in PROOFS[client].values():
        file, _, test = proof.partition("::")
        tree = ast.parse((REAL / file).read_text())
        assert test.partition("[")[0] in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, proof
        assert "pytestmark = pytest.mark.real_client" in (REAL / file).read_text(), file


@client
def test_every_door_is_in_what_is_installed_and_on_the_clients_page(client: str) -> None:
    page = (ROOT / "docs" / "clients" / f"{client}.md").read_text()
    for door in doors(client):
        assert (
            f'"{door}"' in installed(client) or f"{door}:" in installed(client) or f"{door}\n" in installed(client)
        ), door
        assert door in page, door


@pytest.mark.parametrize("client", [name for name in registry.names() if name != "opencode"])
def test_every_hook_among_the_doors_has_a_recorded_payload(client: str) -> None:
    """OpenCode's plugin is telex's own code, and what it hands over is no client's payload."""
    [file] = PAYLOADS.glob(f"{client}-*.jsonl")
    cases = [json.loads(line) for line in file.read_text().splitlines()]
    recorded = {case.get("event") or case["payload"]["hook_event_name"] for case in cases}
    assert doors(client) <= recorded


def test_who_is_told_to_be_unwakeable_is_so_in_the_words_of_a_send_too() -> None:
    """Would break: a sender who is told "idle" of a session that nothing wakes."""
    sleepers = {name for name in registry.names() if any(row.when == IDLE and not row.door for row in rows(name))}
    assert sleepers == set(processes.UNWOKEN)


def test_what_was_tested_is_known_by_client_version_and_day() -> None:
    for name, last in hook_points.tested().items():
        assert name in registry.names()
        assert last.version and len(last.date) == len("2026-11-22")


def test_a_client_that_was_never_tested_says_so() -> None:
    never = hook_points.Capability(client="x", title="X", tested="", date="", moments=[])
    assert hook_points.last_seen(never) == "not tested"
