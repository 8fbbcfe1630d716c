"""`telex install` and `uninstall` over all clients at once: one that fails, several directories, files in odd forms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.cli import Shell
from tests.support.trust import trust

from telex.clients import registry

CLIENTS = ("claude", "codex", "gemini", "opencode", "copilot")
SHARED = {  # the file of each client that it shares with its owner, by hooks or by the MCP server
    "claude": ".claude/settings.json",
    "codex": ".codex/hooks.json",
    "gemini": ".gemini/settings.json",
    "opencode": ".config/opencode/opencode.json",
    "copilot": ".copilot/mcp-config.json",
}
OWN = {"opencode": ".config/opencode/plugin/telex.js", "copilot": ".copilot/hooks/telex.json"}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A machine with all five clients."""
    made = Shell(tmp_path)
    for name in CLIENTS:
        (made.home / registry.client(name).trace).mkdir(parents=True)
    return made


def is_in(shell: Shell, client: str) -> bool:
    return (shell.home / OWN.get(client, SHARED[client])).exists()


def tree(shell: Shell) -> dict[str, bytes]:
    files = [path for path in shell.home.rglob("*") if path.is_file() and ".telex" not in path.parts]
    return {str(path.relative_to(shell.home)): path.read_bytes() for path in files}


@pytest.mark.parametrize("broken", CLIENTS)
@pytest.mark.parametrize("as_json", [False, True])
def test_one_broken_file_keeps_telex_from_no_other_client(shell: Shell, broken: str, as_json: bool) -> None:
    (shell.home / SHARED[broken]).write_text("{ bad")
    before = tree(shell)
    words = ("--mcp", *(["--json"] if as_json else []))
    for dry in ((*words, "--dry-run"), (*words, "--yes")):
        ran = shell.telex("install", *dry)
        assert ran.status == 1
        if as_json:
            [failed] = ran.json["failed"]
            reads_comments = broken in ("gemini", "opencode")
            code = "settings-not-jsonc" if reads_comments else "settings-not-json"
            assert (failed["client"], failed["code"]) == (broken, code) and failed["hint"]
            assert {one["client"] for one in ran.json["changes"]} == set(CLIENTS) - {broken}
        else:
            assert f"telex: {broken}: cannot read " in ran.err and "hint: " in ran.err
        if "--dry-run" in dry:
            assert tree(shell) == before
    assert {name for name in CLIENTS if is_in(shell, name)} - {broken} == set(CLIENTS) - {broken}
    if broken != "codex":
        config = shell.home / ".codex/config.toml"
        held = config.read_bytes()
        trust(shell.home / SHARED["codex"], config)
    assert shell.telex("status").status == (1 if broken in ("claude", "gemini", "codex") else 0)
    if broken != "codex":
        config.write_bytes(held)
    gone = shell.telex("uninstall")
    if broken in ("claude", "codex", "gemini"):
        assert gone.status == 1 and f"telex: {broken}: cannot read " in gone.err
    assert tree(shell) == before, "all others are as they were, and the broken one is untouched"


def test_a_client_that_is_named_fails_as_ever(shell: Shell) -> None:
    (shell.home / SHARED["gemini"]).write_text("{ bad")
    ran = shell.telex("install", "gemini", "--json")
    assert ran.status == 1 and ran.error["code"] == "settings-not-jsonc" and ran.out == ""


def test_the_launchers_are_listed_once(shell: Shell) -> None:
    """Would break: once for each client."""
    assert shell.telex("install", "--dry-run").out.count("(launchers)") == 1
    assert shell.telex("install", "--yes").out.count("(launchers)") == 1
    assert shell.telex("uninstall").out.count("(launchers)") == 1


def test_without_a_terminal_nothing_is_written_unless_it_is_wanted(shell: Shell) -> None:
    before = tree(shell)
    ran = shell.telex("install")
    assert (ran.status, ran.out) == (2, "")
    assert "nothing was written" in ran.err and "--yes" in ran.err
    assert shell.telex("install", "--json").error["code"] == "nobody-to-ask"
    assert tree(shell) == before and not shell.telex_home.exists()
    assert shell.telex("install", "--yes").status == 0
    assert shell.telex("install").status == 0, "there is nothing to ask"


@pytest.mark.parametrize(("answer", "written"), [("n", False), ("y", True), ("", True)])
def test_at_a_terminal_the_person_is_asked(shell: Shell, answer: str, written: bool) -> None:
    assert b"write this?" in shell.answered(answer, "install")
    assert is_in(shell, "claude") == written


def test_every_configuration_directory_that_telex_is_in_is_kept_up(shell: Shell) -> None:
    """Would break: the directory of this shell's environment alone."""
    before = tree(shell)
    for directory in ("work", "play"):
        shell.telex("install", "claude", CLAUDE_CONFIG_DIR=str(shell.home / directory))
    shell.telex("install", "claude")
    settings = [shell.home / name / "settings.json" for name in (".claude", "work", "play")]
    for path in settings:
        path.write_text(path.read_text().replace('"timeout": 10', '"timeout": 11'))
    drifted = [one["path"] for one in shell.telex("status", "--json").json["installed"] if one["state"] == "drifted"]
    assert set(drifted) == {str(path) for path in settings}
    shell.telex("install", "--yes")
    drifted = [one["path"] for one in shell.telex("status", "--json").json["installed"] if one["state"] == "drifted"]
    assert not drifted and '"timeout": 11' not in settings[1].read_text()
    assert shell.telex("uninstall", "claude").status == 0
    assert not settings[0].exists() and settings[1].exists(), "a client that is named: where the environment says"
    assert shell.telex("uninstall").status == 0
    assert tree(shell) == before


def test_what_is_installed_for_a_project_is_named_when_the_rest_goes(shell: Shell) -> None:
    shell.telex("install", "claude", "--scope", "project")
    said = shell.telex("uninstall").out
    assert f"still installed for projects: {shell.work}" in said and "--scope project" in said
    assert (shell.telex_home / "bin" / "hook.py").exists(), "its lines still need it"


JSONC = '{\n  // dark, please\n  "theme": "dark", /* really */\n}\n'
FORMS = {
    "opencode.json": (".config/opencode/opencode.json", "opencode", JSONC),
    "opencode.jsonc": (".config/opencode/opencode.jsonc", "opencode", JSONC),
    "gemini": (".gemini/settings.json", "gemini", '{\n  // dark\n  "ui": {} // mine\n  /* end */\n}\n'),
}


@pytest.mark.parametrize("form", FORMS)
def test_comments_stay_where_the_client_reads_them(shell: Shell, form: str) -> None:
    name, client, text = FORMS[form]
    file = shell.home / name
    file.write_text(text)
    before = tree(shell)
    assert shell.telex("install", client, "--mcp").status == 0
    after = file.read_text()
    assert "telex" in after and all(word in after for word in ("dark", "//", "/*"))
    assert [path.name for path in file.parent.glob("opencode.*")] in ([], [file.name]), "no second file beside it"
    states = {one["part"]: one["state"] for one in shell.telex("status", "--json").json["installed"]}
    assert states["mcp server"] == "installed"
    assert shell.telex("install", client, "--mcp").out.startswith("nothing to do")
    assert shell.telex("uninstall", client).status == 0
    assert tree(shell) == before


def test_where_both_files_are_the_one_with_telex_in_it_is_taken(shell: Shell) -> None:
    plain, noted = (shell.home / ".config/opencode" / f"opencode.{end}" for end in ("json", "jsonc"))
    noted.write_text(JSONC)
    shell.telex("install", "opencode", "--mcp")
    plain.write_text("{}\n")
    shell.telex("install", "opencode", "--mcp")
    assert plain.read_text() == "{}\n" and "telex" in noted.read_text()
    shell.telex("uninstall", "opencode", "--mcp")
    assert noted.read_text() == JSONC


def test_comments_in_claude_codes_settings_are_refused_as_it_refuses_them(shell: Shell) -> None:
    (shell.home / SHARED["claude"]).write_text('{\n  // mine\n  "model": "x"\n}\n')
    ran = shell.telex("install", "claude")
    assert ran.status == 1 and "line 2" in ran.err and "JSON has no comments" in ran.err


def test_settings_of_an_earlier_telex_are_brought_up_to_date_and_taken_out(shell: Shell) -> None:
    """Its lines name interpreter and home in full."""
    file = shell.home / SHARED["claude"]
    mine = {"model": "x", "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "echo mine"}]}]}}
    file.write_text(json.dumps(mine, indent=2))
    before = file.read_bytes()
    shell.telex("install", "claude")
    current = file.read_text()
    home = str(shell.telex_home)
    old = current.replace("${TELEX_HOME:-$HOME/.telex}", f"${{TELEX_HOME:-{home}}}")
    old = old.replace('\\"$P\\" -I -S \\"$B/hook.py\\"', f"/usr/bin/python3 -I -S {home}/bin/hook.py")
    assert old.count(f"{home}/bin/hook.py") == current.count("-I -S") > 0
    for end in ("install", "uninstall"):
        file.write_text(old)
        assert shell.telex(end, "claude").status == 0
        found = file.read_text()
        assert home not in found
        assert found == current if end == "install" else json.loads(found) == mine
    file.write_text(current)
    shell.telex("install", "claude")
    shell.telex("uninstall", "claude")
    assert json.loads(file.read_bytes()) == json.loads(before)
