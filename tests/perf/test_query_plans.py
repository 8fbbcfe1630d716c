"""Every query that the hook, send, inbox, read and wait run finds its rows by an index, whatever else is stored.

Which queries these are is not a list of ours: a morning of two sessions is lived through, and what was asked for is
written down. What may be scanned or sorted stands below with the reason why it stays small.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable

import apsw
import pytest
from tests.support.machine import HOUR, MINUTE, Machine, Seat

from telex.bus import inbox
from telex.db import connection
from telex.errors import TelexError
from telex.hook import delivery

# (query, what its plan says): why it does not grow with mail or history
ALLOWED = {
    ("people.open_sessions", "SCAN session USING COVERING INDEX session_open"): "only sessions that have not ended",
    ("people.persons", "SCAN address"): "names, and only when two agents have used up their budget",
    ("people.members", "USE TEMP B-TREE FOR GROUP BY"): "the members of one channel",
    ("people.session_by_pid", "USE TEMP B-TREE FOR ORDER BY"): "the conversations that one process had open",
    ("settings.all", "SCAN setting"): "a row for each setting that was changed",
    ("mail.open", "SCAN d"): "what the inner query has found, which has a limit",
    ("mail.open", "USE TEMP B-TREE FOR ORDER BY"): "what the inner query has found, which has a limit",
    (
        "inbox.received",
        "SEARCH delivery USING COVERING INDEX delivery_inbox (recipient=?)",
    ): "read backwards, to a limit",
    ("mail.standing", "SCAN arrival USING COVERING INDEX arrival_due"): "what other machines are to be told, if any",
    (
        "people.any_kept",
        "SEARCH delivery USING COVERING INDEX delivery_inbox (recipient=?)",
    ): "the first row is enough",
    ("hook.conversation", "SCAN json_each VIRTUAL TABLE INDEX 1:"): "a bounded part of a client's own file",
    ("mail.deliveries", "USE TEMP B-TREE FOR ORDER BY"): "the recipients of one message",
}
_SLOW = re.compile(r"SCAN (?!CONSTANT ROW)|TEMP B-TREE|AUTOMATIC")
_WALKS = (
    "delivery_inbox (recipient=?)",
    "message_sender (sender=?)",
)  # by index, but past all that one was sent, or sent


def live(machine: Machine) -> None:
    """Two sessions, a script and the person use what telex has, the dear cases of it too."""
    api, web = machine.named("api", "web")
    for seat in (api, web):
        delivery.introduction(machine.db, seat.session, seat.me.address)
        seat.join("#room")
    asked = api.send(web.at, "which port?", kind="request", deadline_s=MINUTE)
    machine.person.send(web.at, "go on")
    machine.person.send("#room,all", "lunch", quiet=True)
    api.send("@nobody-yet,@web", "for whoever comes", key="k1", ttl_s=MINUTE)
    api.send("@nobody-yet,@web", "for whoever comes", key="k1", ttl_s=MINUTE)
    web.hook()
    web.marks("ps")
    assert web.stop() and not web.stop()
    web.reply(asked.id, "8080")
    for turn in (delivery.NO_TURN, delivery.NEW_TURN):
        web.send(api.at, f"the next turn is {turn}")
        api.hook(turn)
    _refused(lambda: web.send(api.at, "once"), lambda: web.send(api.at, "once"))
    machine.set(pair_replies=1)
    _refused(*(lambda number=number: _turn(api, web, number) for number in range(6)))
    machine.clock.pass_by(HOUR)
    late = api.send(web.at, "and when?", kind="request", deadline_s=1)
    web.inbox()
    web.read(late.id)
    web.send(web.at, "to myself")
    web.wait(timeout_s=1)
    _refused(lambda: web.done(late.id))
    machine.clock.pass_by(2 * MINUTE)
    machine.person.send(api.at, "much later")
    api.read()
    inbox.inbox(machine.db, api.me, everything=True, most=5)
    api.quit()
    machine.crash(web)
    delivery.rest(machine.db, web.session)


def _turn(api: Seat, web: Seat, number: int) -> None:
    api.send(web.at, f"ping {number}")
    web.hook()
    web.send(api.at, f"pong {number}")
    api.hook()


def _refused(*actions: Callable[[], object]) -> None:
    for action in actions:
        with contextlib.suppress(TelexError):
            action()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of the queries that are asked for."""
    names: set[str] = set()
    real = connection.query

    def noted(name: str) -> str:
        names.add(name)
        return real(name)

    monkeypatch.setattr(connection, "query", noted)
    return names


def plan(con: apsw.Connection, name: str) -> list[str]:
    """What SQLite means to do for a query."""
    text = connection.query(name)
    numbered = {int(number) for number in re.findall(r"\?(\d+)", text)}
    count = max(numbered) if numbered else text.count("?")
    return [str(row[3]) for row in con.execute(f"EXPLAIN QUERY PLAN {text}", (None,) * count, can_cache=False)]


def slow(con: apsw.Connection, name: str) -> list[str]:
    """The steps of its plan that would grow."""
    steps = [step for step in plan(con, name) if _SLOW.search(step) or step.endswith(_WALKS)]
    return [step for step in steps if (name, step) not in ALLOWED]


def test_every_query_of_a_morning_finds_its_rows_by_an_index(machine: Machine, asked: set[str]) -> None:
    live(machine)
    names = sorted(asked)
    for wanted in (
        "mail.queued",
        "mail.any_unseen",
        "mail.hand_over",
        "mail.repeat",
        "people.flow",
        "mail.any_to_sweep",
        "mail.shown",
    ):
        assert wanted in names  # else it was no morning
    assert {name: steps for name in names if (steps := slow(machine.db.con, name))} == {}


def test_every_query_of_the_hook_finds_its_rows_by_an_index(machine: Machine) -> None:
    connection.query("hook.valid")  # reads the file
    names = [name for name in connection._QUERIES if name.startswith("hook.")]
    assert "hook.payload" in names
    assert {name: steps for name in names if (steps := slow(machine.db.con, name))} == {}


def test_what_is_allowed_is_still_needed(machine: Machine) -> None:
    for name, step in ALLOWED:
        assert step in plan(machine.db.con, name), f"{name}: {step}"


@pytest.mark.parametrize(
    ("index", "name"),
    [
        ("delivery_unread", "mail.any_unseen"),
        ("delivery_unread", "mail.queued"),
        ("message_repeat", "mail.repeat"),
        ("owed_deadline", "mail.any_to_sweep"),
        ("session_key", "people.session_by_key"),
        ("address_name", "people.address_by_name"),
    ],
)
def test_a_missing_index_is_found(machine: Machine, index: str, name: str) -> None:
    assert not slow(machine.db.con, name)
    machine.db.con.execute(f"DROP INDEX {index}")
    assert slow(machine.db.con, name)


def test_plans_do_not_depend_on_what_is_stored_or_asked(machine: Machine) -> None:
    names = ("mail.queued", "mail.repeat", "people.flow", "mail.open")
    before = {name: plan(machine.db.con, name) for name in names}
    live(machine)
    assert {name: plan(machine.db.con, name) for name in names} == before
