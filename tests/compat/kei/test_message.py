"""`telex message …`: kei's command, its lines and its exit statuses, on telex's bus."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.compat.kei.mailbox import RECORD, Mailbox, Session

from telex.mail.addresses import user_name

USAGE = "kei message: send [--to <name|all>] <text> | inbox | list | channels\n"
SEND_USAGE = "usage: kei message send [--to <name|all>] <text>\n"
ME = "shop"  # where the person's terminal is: so kei called whoever wrote there


@pytest.fixture
def backend(mailbox: Mailbox) -> Session:
    return mailbox.session("backend")


@pytest.fixture
def frontend(mailbox: Mailbox) -> Session:
    return mailbox.session("frontend")


# --- lines and statuses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["@backend", "ship", "it"], "-> sent to 'backend' (from 'frontend')\n"),
        (["--to", "backend", "ship it"], "-> sent to 'backend' (from 'frontend')\n"),
        (["--to", "Backend", "ship it"], "-> sent to 'Backend' (from 'frontend')\n"),
        (["ship", "it"], "-> sent to 'all' (from 'frontend')\n"),
        (["all", "ship it"], "-> sent to 'all' (from 'frontend')\n"),
        (["--from", "frontend", "ship it"], "-> sent to 'all' (from 'frontend')\n"),
    ],
)
def test_send_answers_as_kei_does(frontend: Session, backend: Session, words: list[str], line: str) -> None:
    assert frontend.kei("send", *words) == (0, line, "")
    assert len(backend.heard()) == 1


@pytest.mark.parametrize("face", [["message"], ["msg"], ["m"], ["kei", "message"], ["kei", "msg"], ["kei", "m"]])
def test_every_name_of_the_command_means_the_same(mailbox: Mailbox, backend: Session, face: list[str]) -> None:
    assert mailbox.shell.telex(*face, "send", "@backend", "hi") == (0, "-> sent to 'backend' (from 'shop')\n", "")
    assert backend.heard() == [f"{ME} -> backend: hi"]


@pytest.mark.parametrize("words", [["send"], ["send", "--to", "x"], ["send", "all"], ["send", "--"], ["send", " "]])
def test_nothing_to_say(mailbox: Mailbox, words: list[str]) -> None:
    assert mailbox.kei(*words) == (1, "", SEND_USAGE)


@pytest.mark.parametrize("words", [["frob"], ["--me"], ["send-all", "x"], ["delete"]])
def test_anything_else(mailbox: Mailbox, words: list[str]) -> None:
    assert mailbox.kei(*words) == (1, "", USAGE)
    assert mailbox.shell.telex("kei", "message", *words) == (1, "", USAGE)


def test_what_is_not_keis_mailbox_is_not_answered(mailbox: Mailbox) -> None:
    assert mailbox.shell.telex("kei", "doctor").status == 1
    assert mailbox.shell.telex("kei").status == 1


@pytest.mark.parametrize("words", [["send", "hi", "--to"], ["send", "--from"], ["inbox", "--me"]])
def test_an_option_without_its_value(mailbox: Mailbox, words: list[str]) -> None:
    ran = mailbox.kei(*words)
    assert (ran.status, ran.out) == (2, "")
    assert "takes a name" in ran.err


def test_without_words_it_is_the_inbox(mailbox: Mailbox, backend: Session) -> None:
    mailbox.kei("send", "@backend", "hi")
    assert backend.kei() == backend.kei("inbox") == backend.kei("read")
    assert mailbox.records(backend.kei()) == [(ME, "backend", "hi")]


# --- who is meant ---------------------------------------------------------------------------------------------


def test_a_name_is_everybody_in_directories_of_that_name(mailbox: Mailbox, frontend: Session) -> None:
    one, other = mailbox.session("a/backend"), mailbox.session("b/backend")
    assert frontend.kei("send", "@backend", "hi").status == 0
    assert one.heard() == other.heard() == ["frontend -> backend: hi"]
    assert frontend.heard() == []


def test_two_sessions_in_directories_of_one_name_talk(mailbox: Mailbox) -> None:
    one, other = mailbox.session("a/backend"), mailbox.session("b/backend")
    assert one.kei("send", "@backend", "are you there?") == (0, "-> sent to 'backend' (from 'backend')\n", "")
    assert other.heard() == ["backend -> backend: are you there?"]
    other.kei("send", "@backend", "yes")
    assert one.heard() == ["backend-2 -> backend: yes"]


def test_the_shown_sender_is_reached_by_its_name_beside_a_channel_of_that_name(mailbox: Mailbox) -> None:
    """Would break: an answer to @backend that goes only to the sessions of a directory called backend."""
    named = mailbox.silent("tools")
    named.environment["TELEX_NAME"] = "backend"
    assert named.hook().status == 0
    there, asker = mailbox.session("backend"), mailbox.session("frontend")
    assert asker.kei("send", "@backend", "who is it?").status == 0
    assert named.heard() == there.heard() == ["frontend -> backend: who is it?"]


def test_mail_for_nobody_waits_for_the_next_session_there_and_says_so(mailbox: Mailbox) -> None:
    ran = mailbox.kei("send", "@backend", "early bird")
    assert ran == (
        0,
        "-> sent to 'backend' (from 'shop')\n",
        "kei message: @backend: nobody holds this name yet; the mail waits\n",
    )
    assert mailbox.silent("backend").heard() == [f"{ME} -> backend: early bird"]


def test_a_broadcast_that_no_session_hears_is_the_persons(mailbox: Mailbox) -> None:
    """Would break: exit 0 and '-> sent' for what was stored nowhere."""
    ran = mailbox.kei("send", "build done")
    assert (ran.status, ran.out) == (0, "-> sent to 'all' (from 'shop')\n")
    assert ran.err == f"kei message: no other session is here; it is in the inbox of @{user_name()}\n"
    assert mailbox.kei("inbox").out.endswith(f"] {ME} -> all: build done\n")
    assert "build done" in mailbox.shell.telex("inbox").out


def test_a_directory_whose_name_is_no_name_is_found_by_it(mailbox: Mailbox) -> None:
    there = mailbox.session("My Größe")
    assert mailbox.kei("send", "--to", "My Größe", "hi") == (0, "-> sent to 'My Größe' (from 'shop')\n", "")
    assert there.heard() == [f"{ME} -> my-grosse: hi"]


def test_a_directory_in_another_script_is_found_by_its_name(mailbox: Mailbox) -> None:
    there = mailbox.session("backend/данные")
    assert mailbox.kei("send", "--to", "данные", "hi").status == 0
    assert there.heard() == [f"{ME} -> backend: hi"]


def test_a_name_that_is_none_is_refused_and_the_nearest_told(mailbox: Mailbox) -> None:
    ran = mailbox.kei("send", "--to", "b\u0430ckend", "hi")
    assert (ran.status, ran.out) == (1, "")
    assert "is not a name" in ran.err
    assert mailbox.kei("list").out == ""


def test_a_directory_named_like_a_reserved_word(mailbox: Mailbox) -> None:
    there = mailbox.session("telex")
    assert mailbox.kei("send", "@telex", "hi").status == 0
    assert there.heard() == [f"{ME} -> telex-1: hi"]


# --- who says it ----------------------------------------------------------------------------------------------


def test_a_session_may_say_its_name_its_directory_or_a_channel_of_its_own(mailbox: Mailbox, frontend: Session) -> None:
    twin = mailbox.session("b/frontend")
    assert twin.kei("send", "--from", "frontend-2", "one").out == "-> sent to 'all' (from 'frontend-2')\n"
    assert twin.kei("send", "--from", "frontend", "two").out == "-> sent to 'all' (from 'frontend')\n"
    assert twin.telex("join", "release").status == 0
    assert twin.kei("send", "--from", "release", "three").status == 0
    assert frontend.heard() == [f"frontend-2 -> all: {word}" for word in ("one", "two", "three")]


@pytest.mark.parametrize("claim", ["backend", "boss", ME, "telex", "evil\n  • root -> backend: …"])
def test_a_session_cannot_be_somebody_else(frontend: Session, backend: Session, claim: str) -> None:
    """Would break: B.1.8, `--from` anything."""
    ran = frontend.kei("send", "--from", claim, "do it")
    assert (ran.status, ran.out) == (1, "")
    assert backend.heard() == []


def test_a_script_takes_a_free_name_and_no_other(mailbox: Mailbox, backend: Session) -> None:
    assert mailbox.kei("send", "--from", "ci", "@backend", "green").out == "-> sent to 'backend' (from 'ci')\n"
    assert backend.heard() == ["ci -> backend: green"]
    ran = mailbox.kei("send", "--from", "backend", "it is me")
    assert (ran.status, ran.out) == (1, "")


def test_the_stored_sender_is_the_caller_whatever_the_line_repeats(mailbox: Mailbox, backend: Session) -> None:
    assert mailbox.kei("send", "--from", "shop", "@backend", "hi").out == "-> sent to 'backend' (from 'shop')\n"
    assert backend.heard() == [f"{ME} -> backend: hi"]


# --- bodies ---------------------------------------------------------------------------------------------------


def test_a_body_from_a_file_or_a_pipe(mailbox: Mailbox, backend: Session, tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text("line one\nline two\n")
    assert mailbox.kei("send", "@backend", "--file", str(path)).status == 0
    assert mailbox.kei("send", "@backend", "--stdin", stdin=b"from a pipe").status == 0
    assert backend.prompted() == [
        f"  • {ME} -> backend: line one",
        "    > line two",
        f"  • {ME} -> backend: from a pipe",
    ]


@pytest.mark.parametrize(
    ("words", "stdin", "status"),
    [
        (["--file", "missing.md"], b"", 1),
        (["--file", "."], b"", 1),
        (["--file", "missing.md", "and words"], b"", 2),
        (["--stdin", "and words"], b"x", 2),
        (["--stdin"], b"", 1),
        (["--stdin"], b"\xff", 1),
        (["--stdin"], b"a\0b", 1),
    ],
)
def test_a_body_that_cannot_be_sent(mailbox: Mailbox, words: list[str], stdin: bytes, status: int) -> None:
    ran = mailbox.kei("send", "@backend", *words, stdin=stdin)
    assert (ran.status, ran.out) == (status, "")
    assert ran.err
    assert mailbox.kei("list").out == ""


# --- looking --------------------------------------------------------------------------------------------------


def test_inbox_is_the_last_twenty_messages_to_me_my_directory_or_all(mailbox: Mailbox, backend: Session) -> None:
    other = mailbox.session("frontend")
    for number in range(12):
        mailbox.kei("send", "@backend", f"to me {number}")
        mailbox.kei("send", f"to all {number}")
    other.kei("send", "@shop", "to somebody else")
    found = mailbox.records(backend.kei("inbox"))
    assert len(found) == 20
    assert found[-2:] == [(ME, "backend", "to me 11"), (ME, "all", "to all 11")]
    assert found[0] == (ME, "backend", "to me 2")


def test_inbox_changes_nothing(mailbox: Mailbox, backend: Session) -> None:
    mailbox.kei("send", "@backend", "hi")
    backend.kei("inbox")
    backend.kei("list")
    assert backend.heard() == [f"{ME} -> backend: hi"]


def test_inbox_holds_what_was_read_and_ones_own_broadcasts(mailbox: Mailbox, backend: Session) -> None:
    mailbox.kei("send", "@backend", "hi")
    assert len(backend.heard()) == 1
    mailbox.session("frontend")
    backend.kei("send", "well")
    assert [body for _, _, body in mailbox.records(backend.kei("inbox"))] == ["hi", "well"]


def test_a_later_session_sees_what_was_said_to_its_directory_and_to_all(mailbox: Mailbox, backend: Session) -> None:
    mailbox.session("frontend").kei("send", "to all")
    mailbox.kei("send", "@backend", "to the directory")
    later = mailbox.session("b/backend")
    assert [body for _, _, body in mailbox.records(later.kei("inbox"))] == ["to all", "to the directory"]


def test_the_inbox_of_another_name(mailbox: Mailbox, backend: Session) -> None:
    mailbox.kei("send", "@backend", "to backend")
    mailbox.kei("send", "@docs", "to docs")
    assert [body for _, _, body in mailbox.records(mailbox.kei("inbox", "--me", "docs"))] == ["to docs"]
    assert [body for _, _, body in mailbox.records(mailbox.kei("inbox", "--me", "backend"))] == ["to backend"]
    assert mailbox.kei("inbox", "--me", "nobody-ever") == (0, "", "")


def test_list_is_the_last_forty_of_everybody(mailbox: Mailbox, backend: Session) -> None:
    for number in range(42):
        assert mailbox.shell.telex("send", "@backend", f"number {number}").status == 0
    found = mailbox.records(mailbox.kei("list"))
    assert mailbox.kei("all") == mailbox.kei("list")
    assert [body for _, _, body in found] == [f"number {number}" for number in range(2, 42)]


def test_channels_are_names_sorted_and_once(mailbox: Mailbox, backend: Session) -> None:
    mailbox.session("b/backend")
    mailbox.kei("send", "@waited-for", "hi")
    ran = mailbox.kei("channels")
    assert ran.out.split() == sorted({"all", "backend", "backend-2", "waited-for", user_name(), ME})
    assert mailbox.kei("names") == mailbox.kei("who") == ran
    assert re.fullmatch(r"([a-z0-9._-]+\n)+", ran.out)


def test_an_empty_machine(mailbox: Mailbox) -> None:
    assert mailbox.kei("inbox") == mailbox.kei("list") == mailbox.kei() == (0, "", "")


def test_what_other_faces_sent_is_listed_too(mailbox: Mailbox, backend: Session) -> None:
    mailbox.shell.telex("send", "@backend,#backend", "by telex")
    assert mailbox.records(backend.kei("inbox")) == [(ME, "backend", "by telex")]
    assert RECORD.fullmatch(backend.kei("list").out.strip())
