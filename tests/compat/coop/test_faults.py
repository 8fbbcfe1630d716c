"""Each fault of coop (its polling hook above all), brought about against telex."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.compat.coop.conftest import COOP_LINE, Coop, context_of, payload, polled
from tests.support.cli import LONGEST_SECONDS, TELEX, Ran, Shell

from telex.mail import addresses
from telex.testing.claude import Session

POLL = [TELEX, "coop", "session", "poll", "--format=hook", "--mark-read"]


def until(condition: Callable[[], bool]) -> None:
    """Wait for what must come."""
    end = time.monotonic() + LONGEST_SECONDS
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


def unread(coop: Coop, session: Session) -> list[str]:
    """What a look shows: the bodies."""
    ran = coop.shell.run([TELEX, "session", "poll", "--format", "json"], b"", session.directory, **session.environment)
    return [str(one["text"]) for one in ran.json["messages"]]


def known(coop: Coop, name: str = "api") -> Session:
    """A session that telex knows."""
    session = coop.session(name)
    assert session.start()["status"] == 0
    return session


def held(path: Path) -> bool:
    """Whether somebody has the lock on that file."""
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def inboxes(coop: Coop) -> list[Path]:
    return list((coop.shell.telex_home / "inboxes").glob("*.lock"))


def start(session: Session, stdout: int) -> subprocess.Popen[bytes]:
    """The hook's poll, its payload given, its output where we say."""
    process = subprocess.Popen(
        POLL, stdin=subprocess.PIPE, stdout=stdout, env=session.environment, cwd=session.directory
    )
    assert process.stdin is not None
    process.stdin.write(payload(session))
    process.stdin.close()
    return process


# --- B.3, 1: read on the server before the client has taken it -------------------------------------------


def test_killed_between_polling_and_output_the_message_comes_again(coop: Coop) -> None:
    """Would break: marking read when polled, as coop does."""
    api = known(coop)
    assert coop.shell.telex("send", "@api", "the schema moved").status == 0
    reader, writer = os.pipe()
    size = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4_096)
    os.write(writer, b"x" * size)  # so the answer has nowhere to go
    process = start(api, writer)
    until(lambda: any(map(held, inboxes(coop))))
    process.send_signal(signal.SIGKILL)
    process.wait()
    os.close(writer)
    os.close(reader)
    assert unread(coop, api) == ["the schema moved"]
    assert "> the schema moved" in context_of(polled(api, "--mark-read"))
    assert unread(coop, api) == []


@pytest.mark.parametrize("end", [">&-", "> /dev/full"])
def test_an_answer_that_nobody_takes_marks_nothing(coop: Coop, end: str) -> None:
    """Would break: marking before the flush, or an error of the write taken for success."""
    api = known(coop)
    coop.shell.telex("send", "@api", "the schema moved")
    line = f"{COOP_LINE.replace(' || true', '')} {end} || true"
    subprocess.run(["sh", "-c", line], input=payload(api), env=api.environment, cwd=api.directory, check=True)
    assert unread(coop, api) == ["the schema moved"]


def test_a_reader_that_went_away_marks_nothing(coop: Coop) -> None:
    api = known(coop)
    coop.shell.telex("send", "@api", "the schema moved")
    reader, writer = os.pipe()
    os.close(reader)
    process = start(api, writer)
    os.close(writer)
    assert process.wait(LONGEST_SECONDS) == 0
    assert unread(coop, api) == ["the schema moved"]


def test_while_another_has_the_store_the_hook_answers_in_time(coop: Coop) -> None:
    """Killed by the client after 5 s, its output would be thrown away. Would break: waiting for a lock for longer."""
    api, new = known(coop), coop.session("web")
    coop.shell.telex("send", "@api", "the schema moved")
    with (coop.shell.telex_home / "write.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = polled(api, "--mark-read")
        assert ran.status == 0 and "> the schema moved" in context_of(ran)
        ran = polled(new, "--mark-read")
        assert (ran.status, ran.out, ran.err) == (0, "{}\n", "")
    assert unread(coop, api) == ["the schema moved"], "what could not be recorded is shown again"


def test_while_another_has_the_inbox_the_hook_says_nothing_and_nothing_is_lost(coop: Coop) -> None:
    api = known(coop)
    coop.shell.telex("send", "@api", "the schema moved")
    unread(coop, api)  # makes the lock's file
    locks = [path.open() for path in inboxes(coop)]
    for one in locks:
        fcntl.flock(one, fcntl.LOCK_EX)
    ran = polled(api, "--mark-read")
    assert (ran.status, ran.out, ran.err) == (0, "{}\n", "")
    for one in locks:
        one.close()
    assert unread(coop, api) == ["the schema moved"]


def test_a_payload_that_never_ends_is_not_waited_for(coop: Coop) -> None:
    api = known(coop)
    with subprocess.Popen(POLL, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=api.environment) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.read() == b"{}\n"
        assert process.wait(LONGEST_SECONDS) == 0


# --- B.3, 2: whose mail --------------------------------------------------------------------------------


def test_the_session_is_the_id_of_the_payload_whatever_name_or_environment_says(coop: Coop) -> None:
    """Would break: a name from stdin, which is there at some events only, or the environment, stale after /clear."""
    api, web = known(coop, "api"), known(coop, "web")
    coop.shell.telex("send", "@api", "for api")
    coop.shell.telex("send", "@web", "for web")
    told = payload(web, session_title="api")
    ran = polled(api, "--mark-read", stdin=told)
    assert "> for web" in context_of(ran) and "for api" not in ran.out
    assert (unread(coop, api), unread(coop, web)) == (["for api"], [])


def test_a_session_that_telex_never_heard_of_is_known_from_its_payload(coop: Coop) -> None:
    """Only coop's line is installed. Its first prompt makes the session known; what comes then is shown."""
    api = coop.session("api")
    assert polled(api, "--mark-read").out == "{}\n"
    assert coop.shell.telex("session", "send", "api", "welcome").status == 0
    assert "### From @" in context_of(polled(api, "--mark-read"))


def test_after_a_clear_the_mail_goes_on_to_the_new_id(coop: Coop) -> None:
    api = coop.session("api")
    polled(api)
    coop.shell.telex("send", "@api", "before the clear")
    api.id = "9d1d3f0e-0000-4000-8000-000000000001"
    assert "> before the clear" in context_of(polled(api, "--mark-read"))
    assert "@api-2" not in coop.shell.telex("who").out


@pytest.mark.parametrize(
    "stdin",
    [
        b"",
        b"not json",
        b"[1]",
        b"null",
        b"{}",
        b'{"session_id": 7, "hook_event_name": "Stop"}',
        b'{"session_id": "", "hook_event_name": "Stop"}',
        b'{"session_id": "x", "hook_event_name": "two words"}',
        b'{"session_id": "x"}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_what_is_no_payload_gets_the_empty_answer(coop: Coop, stdin: bytes) -> None:
    api = known(coop)
    coop.shell.telex("send", "@api", "hello")
    ran = polled(api, "--mark-read", stdin=stdin)
    assert (ran.status, ran.out, ran.err) == (0, "{}\n", "")
    assert unread(coop, api) == ["hello"]


def test_a_subagent_takes_none_of_its_parents_mail(coop: Coop) -> None:
    api = known(coop)
    coop.shell.telex("send", "@api", "hello")
    assert polled(api, "--mark-read", stdin=payload(api, agent_id="a1")).out == "{}\n"
    assert unread(coop, api) == ["hello"]


@pytest.mark.parametrize("words", [["--bogus"], ["a", "b"], ["not a name"], ["--format", "json"]])
def test_in_the_hooks_format_wrong_words_do_not_disturb_the_client(coop: Coop, words: list[str]) -> None:
    ran = polled(coop.session("api"), *words)
    assert (ran.status, ran.err) == (0, "") and json.loads(ran.out) == {}


# --- the wrapper, and a look --------------------------------------------------------------------------


@pytest.mark.parametrize("event", ["UserPromptSubmit", "SessionStart", "PostToolBatch"])
def test_the_answer_names_the_event_that_fired(coop: Coop, event: str) -> None:
    """Would break: a bare JSON object, which delivers nothing, or the name of one event for all."""
    api = known(coop)
    coop.shell.telex("send", "@api", "hello")
    answer = json.loads(polled(api, stdin=payload(api, event)).out)["hookSpecificOutput"]
    assert answer["hookEventName"] == event and answer["additionalContext"].startswith("## Coop Notifications\n\n###")


def test_without_mark_read_it_is_a_look(coop: Coop) -> None:
    api = known(coop)
    coop.shell.telex("send", "@api", "hello")
    shown = [context_of(polled(api)).partition("\n>")[2][:6] for _ in range(3)]
    assert shown == [" hello"] * 3


def test_of_one_session_only_its_messages_are_taken(coop: Coop) -> None:
    api = known(coop)
    coop.shell.run([TELEX, "session", "join", "feature-auth"], b"", api.directory, **api.environment)
    coop.shell.telex("send", "@api", "direct")
    coop.shell.telex("session", "send", "feature-auth", "in the session")
    shown = context_of(polled(api, "feature-auth", "--mark-read"))
    assert "> in the session" in shown and "direct" not in shown
    assert unread(coop, api) == ["direct"]


# --- B.3, 4: size and time -------------------------------------------------------------------------------


def test_a_message_too_long_for_coop_is_sent_in_telexs_words_and_read_here(coop: Coop) -> None:
    """10 KB are refused in this face alone, with the size and the way around."""
    api = known(coop)
    (coop.shell.work / "long.txt").write_text("line\n" * 4_000)
    refused = coop.shell.telex("session", "send", "api", "--file", "long.txt")
    assert refused.status == 3 and "20,000 bytes" in refused.err and "hint: " in refused.err
    assert unread(coop, api) == []
    assert coop.shell.telex("send", "#api", "--file", "long.txt").status == 0
    assert len(unread(coop, api)[0]) == 20_000
    shown = context_of(polled(api, "--mark-read"))
    assert len(shown) <= 4_000 and "2,000 characters of 20,000 bytes shown; all of it: telex read m1" in shown


def test_more_than_one_injection_comes_in_order_each_once(coop: Coop) -> None:
    api = known(coop)
    sent = [f"message {number} {'x' * 900}" for number in range(9)]
    for body in sent:
        coop.shell.telex("send", "@api", body)
    shown: list[str] = []
    answers = 0
    while (text := context_of(polled(api, "--mark-read"))) != "":
        answers += 1
        found = [line[2:] for line in text.splitlines() if line.startswith("> ")]
        shown += found
        left = len(sent) - len(shown)
        assert len(text) <= 4_000 and (f"{left} more unread: " in text) == bool(left)
    assert shown == sent and answers == 3


def test_an_age_that_is_replayed_later_has_its_moment_beside_it(coop: Coop) -> None:
    """Claude Code replays what it once showed: "2m ago" alone would be a lie then."""
    api = known(coop)
    coop.shell.telex("send", "@api", "hello")
    last = context_of(polled(api)).splitlines()[-1]
    assert last.startswith("Ages as of 2") and last.split(".")[0].endswith("Z")


# --- two hooks at once --------------------------------------------------------------------------------------


def test_coops_line_and_telexs_own_never_show_the_same_twice(coop: Coop) -> None:
    """Both lines are in the settings, and clients run them at once. Would break: two readers of one inbox."""
    coop.with_line()
    assert coop.shell.telex("hook", "install").status == 0
    api = known(coop)
    lines = [
        handler["command"]
        for group in json.loads(coop.settings.read_text())["hooks"]["UserPromptSubmit"]
        for handler in group["hooks"]
    ]
    assert len(lines) == 2 and COOP_LINE in lines
    shown: list[str] = []
    for number in range(12):
        coop.shell.telex("send", "@api", f"message {number}.")
        running = [
            subprocess.Popen(
                ["sh", "-c", line],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=api.environment,
                cwd=api.directory,
            )
            for line in lines
        ]
        for one in running:
            out, _ = one.communicate(payload(api))
            assert one.returncode == 0
            text = context_of(Ran(0, out.decode() or "{}", ""))
            shown += [line[2:] for line in text.splitlines() if line.startswith("> ")]
    assert sorted(shown) == sorted(f"message {number}." for number in range(12))


# --- whatever is broken -------------------------------------------------------------------------------------


def spoil(home: Path) -> None:
    for path in home.glob("telex.db*"):
        path.write_bytes(b"not a database" * 500)


@pytest.mark.parametrize(
    "damage",
    [
        spoil,
        lambda home: home.chmod(0o755),
        lambda home: [(home / "telex.db").unlink(), (home / "telex.db").mkdir()],
        lambda home: [path.unlink() for path in home.glob("telex.db*")],
    ],
    ids=["corrupt", "open to others", "a directory", "gone"],
)
def test_whatever_state_the_store_is_in_the_client_is_not_disturbed(
    coop: Coop, damage: Callable[[Path], object]
) -> None:
    api = known(coop)
    coop.shell.telex("send", "@api", "hello")
    damage(coop.shell.telex_home)
    ran = polled(api, "--mark-read")
    assert (ran.status, ran.out, ran.err) == (0, "{}\n", "")


@pytest.mark.parametrize(
    "environment", [{"TELEX_HOME": "/dev/null"}, {"TELEX_HOME": "/proc/none"}, {"TELEX_HOME": "~/.telex"}, {"HOME": ""}]
)
def test_without_a_home_the_client_is_not_disturbed(coop: Coop, environment: dict[str, str]) -> None:
    ran = polled(coop.session("api"), "--mark-read", env=environment)
    assert (ran.status, ran.out, ran.err) == (0, "{}\n", "")


def test_coops_own_line_works_through_the_alias(coop: Coop, shell: Shell) -> None:
    """The line that coop wrote, untouched, through `sh` and the path, at the start and at a prompt."""
    api = coop.session("api", title="feature-auth")
    assert api.start()["status"] == 0
    assert "@feature-auth" in shell.telex("who").out, "a coop session maps to the session's title"
    assert shell.telex("session", "send", "feature-auth", "line one\nline two").status == 0
    answer = api.prompt("go on")
    assert answer["status"] == 0
    text = answer["hookSpecificOutput"]["additionalContext"]
    assert f"### From @{addresses.user_name()} in feature-auth (" in text and "\n> line one\n> line two\n" in text
    assert {key for key in api.prompt("and on") if key != "status" and key != "stderr"} == set()
