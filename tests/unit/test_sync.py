"""The rules by which link and relay keep in step, one decision at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telex import limits
from telex.core import sync
from telex.core.sync import Incoming, Outgoing, Scan


@pytest.mark.parametrize(
    ("last", "oseq", "kept", "verdict"),
    [
        (0, 1, None, sync.APPEND),
        (4, 5, None, sync.APPEND),
        (4, 6, None, sync.EARLY),
        (4, 4, "this", sync.KNOWN),
        (4, 2, "this", sync.KNOWN),
        (4, 4, "another", sync.FORKED),
        (4, 2, None, sync.FORKED),
    ],
)
def test_an_item_is_appended_known_early_or_of_a_fork(last: int, oseq: int, kept: str | None, verdict: str) -> None:
    assert sync.admit(last, oseq, "this", kept) == verdict


def test_a_batch_holds_so_many_items() -> None:
    assert sync.batch([10] * (limits.SYNC_ITEMS + 5)) == limits.SYNC_ITEMS


def test_a_batch_holds_so_many_bytes() -> None:
    half = limits.SYNC_BATCH_BYTES // 2
    assert sync.batch([half, half, 1]) == 2
    assert sync.batch([half, half + 1, 1]) == 1


def test_an_item_larger_than_a_batch_goes_alone() -> None:
    assert sync.batch([limits.SYNC_BATCH_BYTES + 1, 1]) == 1
    assert sync.batch([]) == 0


def outgoing(at_relay: int = 3, given: int = 9, first: int = 1, epoch: str = "e1") -> Outgoing:
    return Outgoing(epoch=epoch, given=given, at_relay=at_relay, first=first)


def test_the_relay_has_what_it_says_of_what_was_offered() -> None:
    assert sync.pushed(outgoing(), "e1", 7, False, 7) == sync.Offered(at_relay=7, renew=False)
    assert sync.pushed(outgoing(), "e1", 5, False, 7) == sync.Offered(at_relay=5, renew=False)


def test_what_was_not_offered_does_not_count_though_the_relay_has_something_there() -> None:
    """Would break: this machine's disk was put back, and messages were sent while the answer was on its way."""
    assert sync.pushed(outgoing(at_relay=3, given=8), "e1", 7, False, 5) == sync.Offered(at_relay=5, renew=False)


def test_a_relay_that_went_back_is_offered_what_it_lacks() -> None:
    assert sync.pushed(outgoing(at_relay=8), "e1", 2, False, 9) == sync.Offered(at_relay=2, renew=False)


def test_an_answer_of_another_log_moves_nothing() -> None:
    assert sync.pushed(outgoing(), "e2", 7, False, 7) == sync.Offered(at_relay=3, renew=False)
    assert sync.pushed(outgoing(), "e2", 7, True, 7) == sync.Offered(at_relay=3, renew=False)


@pytest.mark.parametrize(
    ("state", "last", "forked"),
    [
        (outgoing(), 9, True),  # another's past is under this origin
        (outgoing(), 10, False),  # the relay has more than was ever given out here
        (outgoing(first=5), 3, False),  # the relay lacks what the outbox has no more
        (outgoing(at_relay=9, first=10), 0, False),
    ],
)
def test_an_origin_that_cannot_go_on_is_given_up(state: Outgoing, last: int, forked: bool) -> None:
    assert sync.pushed(state, "e1", last, forked, 9) == sync.Offered(at_relay=0, renew=True)


def test_an_origin_goes_on_where_the_outbox_begins_right_after_what_the_relay_has() -> None:
    assert sync.pushed(outgoing(first=5), "e1", 4, False, 9) == sync.Offered(at_relay=4, renew=False)


def scan(epoch: str = "e1", earliest: int = 1, scanned: int = 9, head: int = 12) -> Scan:
    return Scan(epoch=epoch, earliest=earliest, scanned=scanned, head=head)


def test_the_cursor_moves_to_what_was_scanned_and_not_to_the_head() -> None:
    taken = sync.pulled(Incoming(epoch="e1", cursor=4), 4, scan())
    assert (taken.state.cursor, taken.gap, taken.went_back, taken.useful) == (9, None, False, True)


def test_a_page_that_saw_less_leaves_the_cursor() -> None:
    assert sync.pulled(Incoming(epoch="e1", cursor=10), 10, scan(scanned=2)).state.cursor == 10


def test_what_was_trimmed_before_it_was_read_is_a_gap() -> None:
    taken = sync.pulled(Incoming(epoch="e1", cursor=4), 4, scan(earliest=8, scanned=9))
    assert (taken.gap, taken.state.cursor) == ((5, 7), 9)


def test_a_log_that_is_trimmed_empty_is_a_gap_to_its_head() -> None:
    taken = sync.pulled(Incoming(epoch="e1", cursor=4), 4, scan(earliest=13, scanned=12))
    assert (taken.gap, taken.state.cursor) == ((5, 12), 12)


def test_what_was_trimmed_after_it_was_read_is_none() -> None:
    assert sync.pulled(Incoming(epoch="e1", cursor=7), 7, scan(earliest=8)).gap is None


def test_the_first_page_tells_where_the_log_begins() -> None:
    taken = sync.pulled(Incoming(epoch="", cursor=0), 0, scan(earliest=5))
    assert taken.state == Incoming(epoch="e1", cursor=4)
    assert (taken.gap, taken.went_back, taken.useful) == (None, False, False)


def test_another_log_is_read_from_its_beginning_and_what_it_trimmed_is_a_gap() -> None:
    taken = sync.pulled(Incoming(epoch="e1", cursor=9), 9, scan(epoch="e2", earliest=3))
    assert taken.state == Incoming(epoch="e2", cursor=2)
    assert (taken.gap, taken.went_back, taken.useful) == ((1, 2), True, False)
    assert sync.pulled(Incoming(epoch="e1", cursor=9), 9, scan(epoch="e2")).gap is None


def test_a_log_that_is_shorter_than_what_was_read_of_it_is_another_one() -> None:
    taken = sync.pulled(Incoming(epoch="e1", cursor=20), 20, scan(head=12))
    assert (taken.state, taken.went_back, taken.useful) == (Incoming(epoch="e1", cursor=0), True, False)


def test_a_page_that_was_asked_for_before_the_cursor_was_put_back_is_not_taken() -> None:
    taken = sync.pulled(Incoming(epoch="e1", cursor=2), 8, scan())
    assert (taken.state.cursor, taken.useful, taken.went_back) == (2, False, False)


def test_the_last_item_is_offered_again_to_another_log() -> None:
    assert (sync.again(7), sync.again(1), sync.again(0)) == (6, 0, 0)


@pytest.mark.parametrize(
    ("had", "after", "oseq", "stands"),
    [
        (0, 0, 1, sync.NEXT),
        (3, 3, 9, sync.NEXT),
        (3, 3, 3, sync.AGAIN),
        (3, 1, 2, sync.AGAIN),
        (3, 5, 6, sync.MISSING),
        (0, 1, 2, sync.MISSING),
        (5, 3, 6, sync.BRANCHED),
    ],
)
def test_an_item_follows_the_one_before_it_or_something_is_wrong(had: int, after: int, oseq: int, stands: str) -> None:
    assert sync.follows(had, after, oseq) == stands


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_within_its_ceiling_however_often_it_failed(failures: int, chance: float) -> None:
    assert 0 <= sync.delay_ms(failures, chance, 100, 60_000) < 60_000
    assert sync.delay_ms(failures, 0.0, 100, 60_000) == 0


def test_the_ceiling_of_a_pause_doubles() -> None:
    assert [sync.delay_ms(failures, 0.5, 100, 1_000) for failures in range(6)] == [50, 100, 200, 400, 500, 500]
