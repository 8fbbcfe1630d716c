"""`python -m tests.cluster.planted MISTAKE telex WORDS…`: the telex command, with a mistake about the stream."""

from __future__ import annotations

import os
import sys

_FROM = 80  # the team is there by then


def early() -> None:
    """It answers before anybody has what it was given, and keeps it nowhere when the cluster is away."""
    import asyncio

    from telex.relay import commands
    from telex.relay.jetstream.log import NatsLog
    from telex.wire.api import Pushed

    whole = NatsLog.submit

    async def submit(self: NatsLog, command: commands.Any) -> commands.Result:
        if isinstance(command, commands.Push):
            task = asyncio.ensure_future(whole(self, command))
            await asyncio.wait([task], timeout=0.5)
            if not task.done():
                task.cancel()
                return Pushed(epoch=self.book.epoch, last_oseq=command.items[-1].oseq)
            return task.result()
        return await whole(self, command)

    NatsLog.submit = submit  # type: ignore[method-assign]


def skips() -> None:
    """It does not look whether a place was left out, as a tail that is too slow may leave some out."""
    from telex.relay.jetstream.apply import Ordered
    from telex.relay.jetstream.consumer import Tail

    whole = Tail.next
    every = 5 + int(os.environ["TELEX_HOME"][-1])  # places, one is left out: not the same ones at relay1 and relay2

    async def next_(self: Tail) -> list[Ordered]:
        return [one for one in await whole(self) if one.position < _FROM or one.position % every]

    Tail.next = next_  # type: ignore[method-assign]


MISTAKES = {"early": early, "skips": skips}


def main() -> None:
    """Make the mistake, then be telex."""
    MISTAKES[sys.argv[1]]()
    sys.argv = sys.argv[2:]
    from telex.cli.main import main as telex

    telex()


if __name__ == "__main__":
    main()
