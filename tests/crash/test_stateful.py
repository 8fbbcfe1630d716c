"""T13: sessions that send, show, read, rename, end, crash and jump in time at random, held against a dictionary.

What would break: any rule of addresses, deliveries and bells that only a certain order of steps breaks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.crash.harness import LONG, Machine, scaled
from tests.crash.stateful import Sessions
from tests.crash.stateful_world import HOUR_MS

from telex.bus import Bus
from telex.core import evidence
from telex.core.message import Item
from telex.db.connection import Store
from telex.hook import delivery
from telex.mail import addresses, messages, retention

STEPS = 50
EXAMPLES = scaled(60, 2_000)
SHARES = 2


@pytest.fixture(scope="module")
def template(machine: Machine) -> Path:
    """A store with the limits out of the way."""
    home = machine.root / "template"
    with Bus(Store(str(home))) as bus:
        for name in ("sends_per_minute", "inbox_waiting", "pair_replies"):
            bus.set_setting(name, "1000000")
        bus.set_setting("hops_most", "1000")
    return home


def play(machine: Machine, home: Path, examples: int, number: int) -> int:
    """Run so many lives; how many steps they had."""

    class Life(Sessions):
        pass

    Life.machine, Life.template, Life.steps = machine, home, 0
    chosen = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        phases=[Phase.generate, Phase.shrink] if LONG else [Phase.generate],
    )
    run_state_machine_as_test(seed(number)(Life), settings=chosen)
    return Life.steps


@pytest.mark.parametrize("share", range(SHARES))
def test_the_store_is_what_a_dictionary_would_be(machine: Machine, template: Path, share: int) -> None:
    """Would break: see the module."""
    assert play(machine, template, EXAMPLES, share) >= EXAMPLES * STEPS * 3 // 4


def newest_first(db: Store, recipient: int, most: int) -> list[messages.Message]:
    """A mistake in the order."""
    return _queued(db, recipient, most)[::-1]


def only_the_first(
    db: Store, number: int, new: messages.Message, to: addresses.Address, via: str, where: str = ""
) -> None:
    """A mistake with several recipients: those whose number is even get nothing."""
    if to.id % 2:
        _deliver(db, number, new, to, via, where)


def an_hour_early(db: Store, now_ms: int, keep_days: int) -> None:
    """A mistake in the time to live."""
    _sweep(db, now_ms + HOUR_MS, keep_days)


def nobody(db: Store, of: addresses.Address) -> addresses.Session | None:
    """A mistake with names: whoever holds one is overlooked."""
    return None


def without_the_first(self: messages.Message, *reader: int) -> Item:
    """A mistake in what is shown."""
    return Item(**{**_item(self, *reader).as_dict(), "body": "something"})


_queued, _deliver, _sweep, _item = messages.queued, messages.deliver, retention.sweep, messages.Message.item


@pytest.mark.parametrize(
    ("where", "name", "mistake"),
    [
        (messages, "queued", newest_first),
        (messages, "deliver", only_the_first),
        (messages, "record_shown", lambda *values: None),
        (messages, "hand_over", lambda *values: True),
        (messages, "take_back", lambda *values: None),
        (evidence, "judge", lambda *values: evidence.PROVED),
        (evidence, "judge", lambda *values: evidence.OPEN),
        (messages, "settle_bell", lambda *values: None),
        (retention, "sweep", an_hour_early),
        (addresses, "holder", nobody),
        (messages.Message, "item", without_the_first),
        (delivery, "rest", lambda *values: 1 / 0),
    ],
    ids=[
        *("order", "recipients", "recording", "handing", "taking back", "everything is proof", "nothing is proof"),
        *("bells", "time to live", "names", "bodies", "a hook that raises"),
    ],
)
def test_a_mistake_is_noticed(
    machine: Machine, template: Path, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, mistake: Any
) -> None:
    """Would break: the dictionary, if it agreed with whatever the store says."""
    monkeypatch.setattr(where, name, mistake)
    with pytest.raises((AssertionError, ZeroDivisionError)):
        play(machine, template, EXAMPLES, 7)
