"""telex's table in a TOML file: put in, found, taken out, and nothing else touched."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telex.clients.edit.mcp_toml import TomlServers
from telex.errors.settings import SettingsNotToml

FILE = TomlServers("/home/dana/.codex/config.toml", "mcp_servers")
SERVER = {"command": "/home/dana/.telex/bin/telex", "args": ["mcp"]}
OTHER = {"command": '/home/d"a\\na/ü\t/.telex/bin/telex', "args": ["mcp", "\x7f"]}

LINES = st.sampled_from(
    [
        "",
        "# a note",
        "  # [mcp_servers.telex]",
        'model = "x"  # why',
        "n = nan",
        "at = 2026-11-22T04:00:00Z",
        'text = """\n[mcp_servers.telex]\ncommand = "no"\n"""',
        "many = [\n  1,\n  [2],\n]",
        "[tui]",
        "[mcp_servers]",
        "[mcp_servers.db]",
        '[mcp_servers."d.b".env]',
        "[[hooks.Stop]]",
        'command = "db"',
    ]
)


def is_toml(text: str) -> bool:
    """Whether this is a file at all: a table that stands twice makes it none."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


@st.composite
def files(draw: st.DrawFn) -> str:
    """TOML as people have it: whatever of these lines makes a file, with or without an end to the last one."""
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    text = ""
    for line in draw(st.lists(LINES, max_size=8)):
        longer = text + line.replace("\n", newline) + newline
        text = longer if is_toml(longer) else text
    return text.removesuffix(newline) if draw(st.booleans()) else text


@given(files())
def test_what_is_put_in_is_found_and_taking_it_out_gives_the_file_back(text: str) -> None:
    merged = FILE.merged(text, SERVER)
    assert FILE.entry(merged) == SERVER and merged.startswith(text)
    bare = FILE.stripped(merged, made=False)
    assert bare == text or bare.rstrip("\r\n") == text, "but for the end of a last line that had none"
    assert FILE.merged(merged, SERVER) == merged


@given(files(), files())
def test_a_replaced_entry_keeps_its_place(before: str, after: str) -> None:
    text = FILE.merged(before, SERVER)
    longer = text + after if after.startswith("[tui") and is_toml(text + after) else text
    changed = FILE.merged(longer, OTHER)
    assert FILE.entry(changed) == OTHER
    assert FILE.merged(changed, SERVER) == longer


@pytest.mark.parametrize(
    "added",
    [
        '[mcp_servers.telex.env]\nTELEX_NAME = "lead"\n',
        '[mcp_servers.telex.tools.send]\napproval_mode = "approve"\n',
        'tool_timeout_sec = 600\n\n["mcp_servers" . \'telex\'.env]\nA = "1"\n',
    ],
)
def test_what_was_put_under_the_table_goes_with_it(added: str) -> None:
    text = FILE.merged('model = "x"\n', SERVER) + added + '\n# mine\n[tui]\ntheme = "dark"\n'
    assert FILE.stripped(text, made=False) == 'model = "x"\n\n# mine\n[tui]\ntheme = "dark"\n'


def test_a_server_whose_name_only_begins_so_stays() -> None:
    text = '[mcp_servers.telex2]\ncommand = "x"\n\n[mcp_servers_telex]\na = 1\n'
    assert FILE.stripped(FILE.merged(text, SERVER), made=False) == text


@pytest.mark.parametrize(
    "text",
    [
        "mcp_servers = { db = { command = 'db' } }\n",
        "mcp_servers = {}\n",
    ],
)
def test_a_form_that_takes_no_table_is_refused_with_the_form_that_does(text: str) -> None:
    assert FILE.check(text.encode()) == text
    with pytest.raises(SettingsNotToml, match=r"a header of its own: \[mcp_servers.telex\]"):
        FILE.merged(text, SERVER)


@pytest.mark.parametrize(
    "text",
    [
        "mcp_servers.telex.command = '/x/bin/telex'\n",
        "[mcp_servers]\ntelex = { command = '/x/bin/telex', args = ['mcp'] }\n",
    ],
)
def test_an_entry_in_another_form_is_found_and_left_with_words(text: str) -> None:
    assert FILE.entry(text)["command"] == "/x/bin/telex"
    with pytest.raises(SettingsNotToml, match="a header of its own"):
        FILE.merged(text, SERVER)
    with pytest.raises(SettingsNotToml, match="a header of its own"):
        FILE.stripped(text, made=False)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"a = 1\na = 2\n", "cannot overwrite a value"),
        (b"[a", "expected ']'"),
        (b"\xff", "byte 0 is not UTF-8"),
        (b"mcp_servers = 3", "'mcp_servers' is not a table"),
        (b"a = " + b"[" * 100_000, "nested too deep"),
    ],
)
def test_what_is_no_toml_is_refused_with_the_reason(raw: bytes, words: str) -> None:
    with pytest.raises(SettingsNotToml) as refusal:
        FILE.check(raw)
    assert words in refusal.value.message and FILE.path in refusal.value.message
