"""`telex message hook`: what kei's hook printed at a prompt; whatever happens, the prompt goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.compat.kei.mailbox import HEAD, TAIL, Mailbox, Session
from tests.support.cli import TELEX, TELEX_WORD

from telex import limits

ME = "shop"  # where the person's terminal is: so kei called whoever wrote there
TELEX_HOOK = [sys.executable, "-c", "from telex.hook import main; main()", "claude"]


@pytest.fixture
def backend(mailbox: Mailbox) -> Session:
    return mailbox.session("backend")


@pytest.fixture
def waiting(mailbox: Mailbox, backend: Session) -> Session:
    """One message waits for the session."""
    assert mailbox.kei("send", "@backend", "ship it").status == 0
    return backend


def telex_hook(session: Session, event: str = "UserPromptSubmit") -> str:
    """What telex's own hook shows at the same prompt, or another event."""
    done = subprocess.run(
        [*TELEX_HOOK, event],
        input=session.payload(),
        capture_output=True,
        cwd=session.directory,
        env=session.shell.environment | session.environment,
        timeout=60,
        check=True,
    )
    return str(json.loads(done.stdout)["hookSpecificOutput"]["additionalContext"]) if done.stdout else ""


def test_the_block_is_keis_byte_for_byte(waiting: Session) -> None:
    block = f"{HEAD.format(me='backend')}\n  • {ME} -> backend: ship it\n{TAIL}\n"
    assert waiting.hook() == (0, block, "")
    assert waiting.hook() == (0, "", "")


def test_the_bypass_consumes_nothing(waiting: Session) -> None:
    assert waiting.hook(KEI_MAILBOX_BYPASS="1") == (0, "", "")
    assert waiting.heard() == [f"{ME} -> backend: ship it"]


def test_a_bypass_that_is_not_1_is_none(waiting: Session) -> None:
    assert TAIL in waiting.hook(KEI_MAILBOX_BYPASS="0").out


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b"7", b'"x"', b"{}", b"\xff\xfe", b"\x00", b'{"session_id": 7}', b"[" * 100_000],
    ids=ascii,
)
def test_what_is_no_payload_consumes_nothing(waiting: Session, raw: bytes) -> None:
    """Would break: B.1.4, invalid input ended kei's hook with status 4."""
    ran = waiting.hook(raw)
    assert (ran.status, ran.out) == (0, "")
    assert waiting.heard() == [f"{ME} -> backend: ship it"]


@pytest.mark.parametrize("cwd", [None, 7, "", "/does/not/exist", "\ud800"])
def test_a_directory_that_is_none_does_not_matter(waiting: Session, cwd: Any) -> None:
    ran = waiting.hook(waiting.payload(cwd=cwd))
    assert (ran.status, ran.err) == (0, "")
    assert f"  • {ME} -> backend: ship it\n" in ran.out


@pytest.mark.parametrize("key", ["../../etc/passwd", "a/b", ".", "x" * 5_000, "\ud800", "ü\n\x1b[31m", "-rf"])
def test_any_session_id_is_only_an_id(mailbox: Mailbox, key: str) -> None:
    """Would break: B.1.14, an id that went unchecked into a file's name."""
    mailbox.kei("send", "@backend", "hi")
    before = {path for path in mailbox.shell.home.rglob("*") if ".telex" not in path.parts}
    assert mailbox.silent("backend", key).heard() == [f"{ME} -> backend: hi"]
    after = {path for path in mailbox.shell.home.rglob("*") if ".telex" not in path.parts}
    assert after - before <= {mailbox.shell.home / "projects" / "backend"}


def test_a_subagents_payload_consumes_nothing(waiting: Session) -> None:
    assert waiting.hook(waiting.payload(agent_id="a1")) == (0, "", "")
    assert len(waiting.heard()) == 1


def test_after_clear_the_session_keeps_its_name(mailbox: Mailbox, backend: Session) -> None:
    """Would break: a new session id starts blank, or as backend-2."""
    backend.key = "another-id"
    mailbox.kei("send", "@backend", "still there?")
    assert backend.heard() == [f"{ME} -> backend: still there?"]
    assert "backend-2" not in mailbox.kei("channels").out


def test_at_most_one_injections_worth_and_the_rest_is_announced(mailbox: Mailbox, backend: Session) -> None:
    for number in range(5):
        mailbox.kei("send", "@backend", f"{number} " + "x" * 1_000)
    heard = []
    while ran := backend.hook().out:
        assert len(ran) <= limits.FRAME_CHARS + 1
        heard += [line.split(": ")[1][0] for line in ran.split("\n") if line.startswith("  • ")]
        left = 5 - len(heard)
        assert ("more wait" in ran) == bool(left)
    assert heard == list("01234")


def test_a_long_message_shows_its_head_and_where_the_rest_is(mailbox: Mailbox, backend: Session) -> None:
    mailbox.kei("send", "@backend", "--stdin", stdin=b"x" * 200_000)
    said = "\n".join(backend.prompted())
    assert len(said) < limits.FRAME_CHARS
    assert "characters of 200,000 bytes shown; all of it: telex read m1)" in said
    assert "x" * 200_000 in backend.telex("read", "m1").out


# --- beside telex's own hook --------------------------------------------------------------------------------------


def test_what_telex_showed_kei_does_not_show_and_the_other_way_round(mailbox: Mailbox, backend: Session) -> None:
    mailbox.kei("send", "@backend", "one")
    assert "> one" in telex_hook(backend)
    assert telex_hook(backend, "PostToolBatch") == ""  # the model has answered
    assert backend.heard() == []
    mailbox.kei("send", "@backend", "two")
    assert len(backend.heard()) == 1
    assert telex_hook(backend) == ""


def test_two_hooks_at_one_prompt_show_each_message_once(mailbox: Mailbox, backend: Session) -> None:
    for number in range(6):
        mailbox.kei("send", "@backend", f"message {number}!")
        with ThreadPoolExecutor(3) as pool:
            said = [pool.submit(telex_hook, backend), pool.submit(lambda: backend.hook().out)]
            said += [pool.submit(lambda: backend.hook().out)]
            together = "".join(one.result() for one in said)
        assert together.count(f"message {number}!") == 1


# --- bytes that do not leave ---------------------------------------------------------------------------------------


def hook_into(session: Session, redirect: str) -> int:
    """The hook with its standard output led somewhere by the shell; its status."""
    done = subprocess.run(
        ["sh", "-c", f"{TELEX_WORD} message hook {redirect}"],
        input=session.payload(),
        cwd=session.directory,
        env=session.shell.environment | session.environment,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    return done.returncode


def test_what_no_reader_took_stays(waiting: Session) -> None:
    assert hook_into(waiting, "> /dev/full") == 0
    hook_into(waiting, ">&-")
    assert waiting.heard() == [f"{ME} -> backend: ship it"]


def test_a_reader_that_is_gone_leaves_it(waiting: Session) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(
        [TELEX, "message", "hook"],
        stdin=subprocess.PIPE,
        stdout=writer,
        stderr=subprocess.PIPE,
        cwd=waiting.directory,
        env=waiting.shell.environment | waiting.environment,
    ) as running:
        os.close(writer)
        running.communicate(waiting.payload(), timeout=60)
    assert running.returncode == 0
    assert waiting.heard() == [f"{ME} -> backend: ship it"]


# --- a store in any state ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["garbage", "directory", "file", "open"])
def test_whatever_the_store_is_in_the_prompt_goes_on(mailbox: Mailbox, state: str) -> None:
    """Would break: B.1.4, an unreadable bus ended kei's hook with status 2, which erases the person's prompt."""
    home = mailbox.shell.telex_home
    if state == "file":
        home.write_bytes(b"")
    else:
        home.mkdir(mode=0o755 if state == "open" else 0o700)
    if state == "garbage":
        (home / "telex.db").write_bytes(b"not a database at all" * 100)
    if state == "directory":
        (home / "telex.db").mkdir()
    ran = mailbox.silent("backend").hook()
    assert (ran.status, ran.out) == (0, "")
    assert state == "open" or ran.err.startswith("kei message: ")


def test_nothing_is_written_outside_of_telexs_home(mailbox: Mailbox, waiting: Session) -> None:
    waiting.hook()
    assert not Path(mailbox.shell.home / ".claude").exists()
