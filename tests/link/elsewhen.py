"""`python -m tests.link.elsewhen SECONDS WORDS…`: the telex command on a machine whose clock is off by so much.

With TELEX_PLANT in the environment it has a mistake planted, for the test that must notice it; TELEX_SHORT names limits
in seconds that are 1 there, TELEX_LONG those that never come.
"""

from __future__ import annotations

import os
import sys
import time


def main() -> None:
    """Shift the clock, then be telex."""
    off, real = float(sys.argv[1]), time.time
    if off:
        time.time = lambda: real() + off
    if os.environ.get("TELEX_PLANT") == "cursor-first":
        _save_the_cursor_first()
    if short := os.environ.get("TELEX_SHORT"):
        from telex import limits

        for name in short.split():
            assert hasattr(limits, name)
            setattr(limits, name, 1)
    if long := os.environ.get("TELEX_LONG"):
        from telex import limits

        for name in long.split():
            assert hasattr(limits, name)
            setattr(limits, name, 1 << 30)
    sys.argv = ["telex", *sys.argv[2:]]
    from telex.cli.main import main as telex

    telex()


def _save_the_cursor_first() -> None:
    from telex.core import sync
    from telex.core.letter import Arrived
    from telex.db.connection import Store
    from telex.team import inbound

    whole = inbound.take

    def take(db: Store, items: list[Arrived], now: sync.Taken, now_ms: int) -> int:
        with db.write():
            db.run("link.set_cursor", now.state.epoch, now.state.cursor)
        time.sleep(1)  # a slow disk: whoever looks sees the cursor, and not yet the items
        return whole(db, items, now, now_ms)

    inbound.take = take


if __name__ == "__main__":
    main()
