"""A process that takes pages in until there are no more: `python -m tests.link.taker HOME COUNT [planted]`.

It says the number of each page after it was taken in. With `planted` it makes the mistake that the test must notice,
and is killed where that shows: it moves the cursor in a transaction of its own, before the page.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from tests.link.courier import number

from telex.core import ids, sync
from telex.core.letter import Arrived, Letter
from telex.db.connection import Store
from telex.team import inbound, link_state

ALICE, BOB = number("alice-laptop"), number("bob-laptop")


def page(at: int) -> list[Arrived]:
    """Two letters, always the same ones."""
    return [_item(2 * at - 1), _item(2 * at)]


def _item(oseq: int) -> Arrived:
    found = Letter(
        sender="api",
        sender_kind="session",
        addressed="@frontend@alice-laptop",
        to={ALICE: ["frontend"]},
        members={},
        without={},
        kind="note",
        body=f"number {oseq}",
        created_ms=1_000_000,
    )
    uuid = ids.uuid7(oseq, oseq.to_bytes(10, "big"))
    return Arrived(machine=BOB, origin="a" * 32, oseq=oseq, uuid=uuid, after=oseq - 1, letter=found)


def main(home: str, count: int, planted: bool) -> None:
    """Go on from where the store says."""
    db = Store(home)
    linked = link_state.load(db)
    assert linked is not None
    for at in range(linked.cursor + 1, count + 1):
        taken = sync.Taken(state=sync.Incoming(epoch=linked.epoch, cursor=at))
        if planted:
            with db.write():
                db.run("link.set_cursor", linked.epoch, at)
            os.kill(os.getpid(), signal.SIGKILL)
        inbound.take(db, page(at), taken, int(time.time() * 1000))
        print(at, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), "planted" in sys.argv)
