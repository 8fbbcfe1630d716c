"""What can become of a delivery: the table, held against the diagram that the manual shows."""

from __future__ import annotations

import itertools

import pytest

from telex.core import delivery
from telex.core.delivery import CLOSED, DEAD, DONE, EXPIRED, HANDED, MOVES, QUEUED, READ, REFUSED, SHOWN, STATES

# The diagram in words: forward along the line, skipping is allowed; what was handed over may be dropped by the client,
# and waits again; only what waits expires.
LINE = (QUEUED, HANDED, SHOWN, READ, DONE)


def drawn(state: str, wanted: str) -> bool:
    """Whether the documented diagram has this arrow."""
    if state in LINE and wanted in LINE:
        forward = LINE.index(wanted) > LINE.index(state)
        again = state == wanted and state != QUEUED  # handed over twice after a crash; marking again says nothing new
        return forward or again or (state, wanted) == (HANDED, QUEUED)
    if wanted in (REFUSED, EXPIRED):
        return state == QUEUED  # limits speak when it is sent
    return state in (QUEUED, HANDED, SHOWN) and wanted == DEAD


@pytest.mark.parametrize(("state", "wanted"), list(itertools.product(STATES, STATES)))
def test_the_table_has_the_moves_of_the_diagram_and_no_other(state: str, wanted: str) -> None:
    assert delivery.allowed(state, wanted) == drawn(state, wanted)


def test_every_state_is_in_the_table_and_described() -> None:
    assert tuple(MOVES) == STATES
    assert delivery.__doc__ is not None
    described = [line.split()[0] for line in delivery.__doc__.splitlines() if line.startswith("    ")]
    assert described == list(STATES)


def test_what_is_closed_stays_closed() -> None:
    assert set(CLOSED) == {DONE, EXPIRED, REFUSED, DEAD}
    for state in CLOSED:
        assert set(MOVES[state]) <= {state}


def test_every_open_delivery_can_end() -> None:
    for state in STATES:
        seen, ahead = {state}, [state]
        while ahead:
            new = set(MOVES[ahead.pop()]) - seen
            seen |= new
            ahead += new
        assert seen & set(CLOSED), state


def test_only_what_was_handed_over_and_dropped_waits_again() -> None:
    assert [state for state, moves in MOVES.items() if QUEUED in moves] == [HANDED]


def test_a_state_that_does_not_exist_was_damaged_on_disk_and_allows_nothing() -> None:
    assert not any(delivery.allowed("lost", state) for state in delivery.STATES)
