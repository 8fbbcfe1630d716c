"""What a sender is told of each recipient: "idle" alone only where the message wakes it, else why it does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support.machine import MINUTE, Machine, Seat

from telex import limits
from telex.bus import waking
from telex.bus.send import Outcome, Sent
from telex.core import message
from telex.errors import NobodyElse, TimedOut, Usage

WAITS = "the mail waits for its next prompt"


def only(sent: Sent) -> Outcome:
    [one] = sent.recipients
    return one


def pair(machine: Machine) -> tuple[Seat, Seat]:
    web, api = machine.arrive("/src/web"), machine.arrive("/src/api")
    return web, api


def test_a_message_that_wakes_says_idle_and_no_more(machine: Machine) -> None:
    web, _ = pair(machine)
    for kind in ("note", "context", "request", "reply"):
        assert only(web.send("@api", f"a {kind}", kind=kind)).note == "idle"
        assert only(web.send("@api", f"the other {kind}", kind=kind)).wakes


@pytest.mark.parametrize(
    ("to", "how", "why"),
    [
        ("@api", {"quiet": True}, "sent quietly"),
        ("@api", {"kind": "ack"}, "an ack wakes nobody"),
        ("@api", {"kind": "event"}, "an event wakes nobody"),
        ("all", {}, "a note to all wakes nobody, a request would"),
        ("all", {"kind": "context"}, "a context to all wakes nobody, a request would"),
        ("#api", {}, "a note to a channel wakes nobody, a request would"),
        ("all", {"kind": "request", "quiet": True}, "sent quietly"),
    ],
)
def test_a_message_that_does_not_wake_says_why(machine: Machine, to: str, how: dict[str, object], why: str) -> None:
    web, _ = pair(machine)
    one = only(web.send(to, "hello", **how))  # type: ignore[arg-type]
    assert (one.presence, one.wakes, one.note) == ("idle", False, f"idle; {why}: {WAITS}")


@pytest.mark.parametrize(("mode", "kind"), [("never", "request"), ("requests", "note")])
def test_a_wake_setting_is_named(machine: Machine, mode: str, kind: str) -> None:
    web, api = pair(machine)
    api.set_wake(mode)
    assert only(web.send("@api", "hello", kind=kind)).note == f"idle; its wake setting is '{mode}': {WAITS}"


def test_a_busy_session_needs_no_waking(machine: Machine) -> None:
    web, api = pair(machine)
    api.marks("p")
    one = only(web.send("all", "hello"))
    assert (one.note, one.wakes) == ("busy", True)


def test_a_repeat_says_what_is_so_now(machine: Machine) -> None:
    web, _ = pair(machine)
    first = web.send("all", "hello", key="k")
    again = web.send("all", "hello", key="k")
    assert again.repeated and only(again).note == only(first).note


def test_a_client_that_lost_its_hooks_is_named(machine: Machine) -> None:
    """Would break: after `telex uninstall claude` a running session is called idle, and nothing wakes it."""
    web, _ = pair(machine)
    os.mkdir(Path(machine.home, "installed"))
    Path(machine.home, "installed", "codex-user.json").touch()
    one = only(web.send("@api", "hello"))
    assert not one.wakes and one.note == (
        "idle; telex has no hooks in claude now, 'telex install claude' puts them in: the mail waits"
    )
    Path(machine.home, "installed", "claude-user.json").touch()
    assert only(web.send("@api", "hello again")).note == "idle"


def test_mail_that_an_idle_session_left_lying_shows_that_nothing_wakes_it(machine: Machine) -> None:
    """Would break: hooks whose interpreter is gone, a container's session: "(idle)", for ever."""
    web, api = pair(machine)
    web.send("@api", "one")
    machine.clock.pass_by(limits.UNHEEDED_MS / 1000 - 1)
    assert only(web.send("@api", "two")).note == "idle"
    machine.clock.pass_by(4 * MINUTE)
    one = only(web.send("@api", "three"))
    assert not one.wakes
    assert one.note == "idle; mail for it has waited for 4m, so its hooks may not run: 'telex status'"
    assert api.hook()
    assert only(web.send("@api", "four")).note == "idle"


def test_quiet_mail_that_waits_shows_nothing_of_the_kind(machine: Machine) -> None:
    web, _ = pair(machine)
    web.send("@api", "one", quiet=True)
    machine.clock.pass_by(10 * MINUTE)
    assert only(web.send("@api", "two")).note == "idle"


def test_a_turn_that_ended_just_now_is_given_its_time(machine: Machine) -> None:
    web, api = pair(machine)
    api.marks("p")
    web.send("@api", "one")
    machine.clock.pass_by(10 * MINUTE)
    api.marks("s")
    assert only(web.send("@api", "two")).note == "idle"


@pytest.mark.parametrize("kind", message.KINDS)
@pytest.mark.parametrize("via", [message.DIRECT, message.CHANNEL, message.EVERYONE])
@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("wake", message.WAKES)
def test_words_are_said_exactly_where_nothing_wakes(kind: str, via: str, quiet: bool, wake: str) -> None:
    assert bool(waking.unwoken(kind, via, quiet, wake)) != message.wakes(kind, via, quiet, wake)


def test_a_word_to_all_with_nobody_there_says_so(machine: Machine) -> None:
    web = machine.arrive("/src/web")
    with pytest.raises(NobodyElse, match="no other session is here; nothing was sent"):
        web.send("all", "hello")


def test_a_terminal_does_not_pretend_to_be_woken(machine: Machine) -> None:
    with pytest.raises(Usage, match="never woken"):
        machine.person.set_wake("never")


def test_an_ask_that_timed_out_is_told_once(machine: Machine) -> None:
    """Would break: a second word in the inbox, that the deadline has passed, of what `ask` said already."""
    web, api = pair(machine)
    with pytest.raises(TimedOut):
        web.ask("@api", "which port?", timeout_s=0.01)
    machine.clock.pass_by(10 * MINUTE)
    web.send("@api", "any write sweeps")
    assert web.heard() == []
    api.hook()
    api.stop()
    api.stop()
    assert web.heard() == []


def test_a_request_nobody_waits_for_is_told_when_its_time_is_up(machine: Machine) -> None:
    web, _ = pair(machine)
    web.send("@api", "which port?", kind="request", deadline_s=60)
    machine.clock.pass_by(10 * MINUTE)
    web.send("@api", "any write sweeps")
    assert web.heard() == ["no reply from @api to your request m1: its deadline has passed"]


def test_what_one_sent_has_a_state_in_the_log(machine: Machine) -> None:
    web, api = pair(machine)
    machine.arrive("/src/docs")
    web.send("@api", "one")
    web.send("all", "two")
    assert [one.sent_state for one in web.log()] == ["queued", "queued"]
    api.hook()
    assert [one.sent_state for one in web.log()] == ["queued 1, shown 1", "shown"]
    assert [(one.state, one.sent_state, one.mine) for one in api.log()] == [("shown", "", False)] * 2
