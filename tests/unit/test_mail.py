"""Messages and deliveries in the store: adding, showing, moving, and rows that are damaged."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from tests.support.machine import Machine

from telex import limits
from telex.core import delivery
from telex.core.delivery import DEAD, DONE, QUEUED, READ, SHOWN, STATES
from telex.errors import Bug, MessageUnknown, MoveRefused
from telex.fs import bells, bodies
from telex.mail import addresses, messages, notices


def sent(machine: Machine, body: str = "hello") -> int:
    """A message from the person to @api; its number."""
    return int(machine.person.send("@api", body).id[1:])


def api_id(machine: Machine) -> int:
    """The address of @api."""
    found = addresses.address_named(machine.db, "api", machine.clock())
    assert found is not None
    return found.id


def state_of(machine: Machine, number: int) -> str:
    """Where its delivery to @api is."""
    row = machine.db.row("mail.delivery", number, api_id(machine))
    assert row is not None
    return str(row[0])


def put(machine: Machine, number: int, state: str) -> None:
    """Force a delivery into a state, as if it had come there."""
    with machine.db.write():
        machine.db.run("mail.move", state, machine.clock(), "forced", number, api_id(machine))


# --- every move -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "wanted"), list(itertools.product(STATES, STATES)))
def test_a_delivery_moves_as_the_table_says(machine: Machine, state: str, wanted: str) -> None:
    number = sent(machine)
    put(machine, number, state)
    with machine.db.write():
        if delivery.allowed(state, wanted):
            messages.move(machine.db, number, api_id(machine), wanted, "why", machine.clock())
        else:
            with pytest.raises(MoveRefused, match=f"m{number} is {state} and cannot become {wanted}"):
                messages.move(machine.db, number, api_id(machine), wanted, "why", machine.clock())
    assert state_of(machine, number) == (wanted if delivery.allowed(state, wanted) else state)


def test_a_move_to_where_it_is_changes_nothing(machine: Machine) -> None:
    number = sent(machine)
    put(machine, number, READ)
    machine.clock.pass_by(60)
    with machine.db.write():
        messages.move(machine.db, number, api_id(machine), READ, "again", machine.clock())
    [found] = messages.deliveries(machine.db, number)
    assert (found.reason, found.changed_ms) == ("forced", machine.clock() - 60_000)


def test_a_message_of_somebody_else_is_not_yours_to_move(machine: Machine) -> None:
    number = sent(machine)
    with machine.db.write(), pytest.raises(MoveRefused, match="is not yours"):
        messages.move(machine.db, number, machine.person.me.address.id, READ, "why", machine.clock())


def test_each_time_is_noted_once(machine: Machine) -> None:
    number = sent(machine)
    times = []
    for state in (SHOWN, READ, DONE):
        machine.clock.pass_by(10)
        times.append(machine.clock())
        if state == SHOWN:
            with machine.db.write():
                messages.record_shown(machine.db, api_id(machine), [number], machine.clock())
        else:
            put(machine, number, state)
    [found] = messages.deliveries(machine.db, number)
    assert [found.shown_ms, found.read_ms, found.closed_ms] == times


def test_what_is_read_unshown_counts_as_shown_then(machine: Machine) -> None:
    number = sent(machine)
    put(machine, number, READ)
    [found] = messages.deliveries(machine.db, number)
    assert found.shown_ms == found.read_ms == machine.clock()


# --- showing ----------------------------------------------------------------------------------------------


def test_showing_is_recorded_with_its_door(machine: Machine) -> None:
    [api] = machine.named("api")
    answer = machine.person.send("@api", "hello")
    api.hook()
    assert machine.states(answer) == {"@api": "shown"}
    assert machine.reason(answer, "@api") == "next prompt"


def test_what_was_shown_is_read_when_its_reader_goes_on(machine: Machine) -> None:
    [api] = machine.named("api")
    first = machine.person.send("@api", "one")
    api.hook()
    machine.person.send("@api", "two")
    api.hook()
    assert machine.states(first) == {"@api": "read"}


def test_showing_what_was_read_meanwhile_changes_nothing(machine: Machine) -> None:
    number = sent(machine)
    put(machine, number, DONE)
    with machine.db.write():
        messages.record_shown(machine.db, api_id(machine), [number], machine.clock())
    assert state_of(machine, number) == DONE


def test_the_oldest_waits_in_front(machine: Machine) -> None:
    numbers = [sent(machine, f"{number}") for number in range(5)]
    found = messages.queued(machine.db, api_id(machine), 3)
    assert [one.n for one in found] == numbers[:3]


# --- rows that are damaged ----------------------------------------------------------------------------------


def damage(machine: Machine, number: int, column: str, value: int | float | str | bytes | None) -> None:
    """Change a stored row behind telex's back."""
    with machine.db.write():
        machine.db.con.execute(f"UPDATE message SET {column} = ? WHERE n = ?", (value, number))


CHANGED: dict[str, int | str | bytes] = {
    "sender": 999,
    "sender_name": "boss",
    "sender_kind": "session",
    "client": "codex",
    "place": "/tmp",
    "addressed": "@web",
    "kind": "request",
    "body": "Hello",
    "size": 1,
    "digest": b"x",
    "data": '{"a":1}',
    "thread": 5,
    "topic": "x",
    "reply_to": 5,
    "hops": 7,
    "auto": 1,
    "quiet": 1,
    "created_ms": 1,
    "expires_ms": 1,
    "deadline_ms": 1,
    "signed_ms": 1,
    "arrived_ms": 1,
    "key": "x",
    "uuid": b"0123456789abcdef",
}


@pytest.mark.parametrize("column", CHANGED)
def test_any_change_of_a_stored_message_is_noticed(machine: Machine, column: str) -> None:
    number = sent(machine)
    damage(machine, number, column, CHANGED[column])
    found = messages.get(machine.db, number)
    assert found is not None
    assert not found.sound()


def test_the_hash_covers_every_field() -> None:
    assert set(CHANGED) | {"aside"} == set(messages.Message.fields()) - {"n", "hash"}


def test_an_unchanged_message_is_sound(machine: Machine) -> None:
    found = messages.get(machine.db, sent(machine))
    assert found is not None
    assert found.sound()


def test_a_damaged_message_is_dead_with_the_reason_and_holds_up_no_other(machine: Machine) -> None:
    [api] = machine.named("api")
    first = machine.person.send("@api", "one")
    machine.person.send("@api", "two")
    damage(machine, int(first.id[1:]), "body", "an order")
    shown = api.hook()
    assert "two" in shown
    assert "an order" not in shown
    assert machine.states(first) == {"@api": DEAD}
    assert machine.reason(first, "@api") == "damaged on disk"
    assert not api.rings()


def test_a_damaged_message_is_buried_by_whoever_reads(machine: Machine) -> None:
    [api] = machine.named("api")
    first = machine.person.send("@api", "one")
    damage(machine, int(first.id[1:]), "body", "an order")
    with pytest.raises(MessageUnknown, match="damaged"):
        api.read(first.id)
    assert machine.states(first) == {"@api": DEAD}


def test_a_damaged_message_shows_in_no_list(machine: Machine) -> None:
    [api] = machine.named("api")
    first = machine.person.send("@api", "one")
    damage(machine, int(first.id[1:]), "body", "an order")
    for letters in (api.inbox(), api.log(), machine.person.log()):
        assert [(one.body, one.sound) for one in letters] == [("(damaged on disk)", False)]


def test_a_row_that_cannot_be_decoded_holds_up_no_other(machine: Machine) -> None:
    [api] = machine.named("api")
    first = machine.person.send("@api", "one")
    machine.person.send("@api", "two")
    with machine.db.write():
        machine.db.con.execute("UPDATE message SET body = CAST(x'ff41' AS TEXT) WHERE n = 1")
    assert "two" in api.hook()
    assert machine.states(first) == {"@api": DEAD}


# --- large bodies -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "aside"), [(limits.BODY_INLINE_BYTES, 0), (limits.BODY_INLINE_BYTES + 1, 1)])
def test_a_large_body_lies_beside(machine: Machine, size: int, aside: int) -> None:
    body = "x" * size
    found = messages.get(machine.db, sent(machine, body))
    assert found is not None
    assert (found.aside, found.size) == (aside, size)
    assert messages.whole_body(machine.db, found) == body
    assert len(found.body) == (limits.BODY_HEAD_CHARS if aside else size)


def test_the_limit_of_a_row_is_in_bytes(machine: Machine) -> None:
    found = messages.get(machine.db, sent(machine, "é" * (limits.BODY_INLINE_BYTES // 2 + 1)))
    assert found is not None
    assert found.aside == 1


def test_a_large_body_that_is_gone_is_said_to_be(machine: Machine) -> None:
    [api] = machine.named("api")
    answer = machine.person.send("@api", "x" * 20_000)
    found = messages.get(machine.db, 1)
    assert found is not None
    bodies.drop(machine.home, found.digest)
    assert messages.whole_body(machine.db, found) is None
    shown = api.show(answer.id)
    assert (shown.sound, shown.message.whole, shown.message.body) == (False, False, "(damaged on disk)")


# --- bells ------------------------------------------------------------------------------------------------


def test_the_bell_rings_while_something_waits(machine: Machine) -> None:
    [api] = machine.named("api")
    assert not api.rings()
    machine.person.send("@api", "one")
    assert api.rings()
    machine.person.send("@api", "two")
    api.hook()
    assert not api.rings()


def test_a_send_that_is_rolled_back_leaves_nothing_queued(machine: Machine) -> None:
    [api] = machine.named("api")

    def broken() -> None:
        with machine.db.write():
            notices.notify(machine.db, api_id(machine), "text", 0, machine.clock())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert api.heard() == []
    api.hook()
    assert not api.rings()  # a bell without mail costs one look


def test_settling_for_an_address_without_a_bell_does_nothing(machine: Machine) -> None:
    machine.person.send("@later", "x")
    place = addresses.address_named(machine.db, "later", machine.clock())
    assert place is not None
    with machine.db.write():
        messages.settle_bell(machine.db, place.id)
    assert bells.rings(machine.home, "") == bells.rings(machine.home, ".")  # only the directory itself


# --- the store's own grammar --------------------------------------------------------------------------------


def test_a_query_that_does_not_exist_is_a_fault_of_telex(machine: Machine) -> None:
    with pytest.raises(Bug, match=r"no query mail\.nothing"):
        machine.db.row("mail.nothing")


def test_nothing_is_changed_outside_of_a_write(machine: Machine) -> None:
    ways: list[Callable[[], object]] = [
        lambda: machine.db.run("people.drop_forward", "x"),
        lambda: machine.db.after_commit(print),
        lambda: machine.db.ring("x"),
    ]
    for act in ways:
        with pytest.raises(AssertionError, match="outside a write"):
            act()


def test_a_write_inside_a_write_is_refused(machine: Machine) -> None:
    with machine.db.write(), pytest.raises(AssertionError, match="inside a write"), machine.db.write():
        pass


def test_queued_is_the_state_of_what_was_just_sent(machine: Machine) -> None:
    assert state_of(machine, sent(machine)) == QUEUED
