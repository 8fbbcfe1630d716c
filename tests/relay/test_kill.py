"""kill -9 of a serving relay under load: what it acknowledged is there, once, in order.

The twin answers before its commit, and must be caught.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest
from tests.relay.machines import Peer, found_at_once
from tests.relay.running import Relay, running

SENDERS = 3
SEED = int(os.environ.get("TELEX_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)

# The planted fault: everybody is answered first, and the disk is written a moment later.
HASTY = """
import sys, time
from telex.relay import writer
commit = writer.Writer._commit

def hasty(self, batch):
    book = self._book
    book.con.execute("BEGIN IMMEDIATE")
    done = [(job.future, self._one(job, set())) for job in batch]
    self._loop.call_soon_threadsafe(self._tell, done, frozenset())
    time.sleep(0.05)
    book.con.execute("COMMIT")
    return [], frozenset()

writer.Writer._commit = hasty
from telex.cli.main import main
sys.argv = ["telex", *sys.argv[2:]]
main()
"""


class Sender:
    """Pushes until told to stop, and notes what the relay said it has."""

    def __init__(self, peer: Peer, to: str) -> None:
        self.peer, self.to = peer, to
        self.acknowledged = 0
        self.stop = False
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        waiting = [self.peer.item([self.to])]
        while not self.stop:
            try:
                pushed = self.peer.push(*waiting)
            except (httpx2.HTTPError, AssertionError):
                time.sleep(0.01)
                continue
            self.acknowledged = max(self.acknowledged, pushed.last_oseq)
            waiting = [one for one in waiting if one.oseq > pushed.last_oseq]
            while len(waiting) < 5:
                waiting.append(self.peer.item([self.to]))


def killed_under_load(relay: Relay, kills: int, prefix: tuple[str, ...] = ()) -> list[str]:
    """Kill it so often while machines push; what is wrong then."""
    chance = random.Random(SEED)
    wrong: list[str] = []
    with ExitStack() as peers:
        owner = peers.enter_context(Peer(relay.url, "owner"))
        chain = found_at_once(str(relay.file), owner, "acme")
        senders = [
            Sender(chain.add(peers.enter_context(Peer(relay.url, f"sender{one}"))), owner.id) for one in range(SENDERS)
        ]
        relay.stop()
        relay.prefix = prefix
        relay.start()
        for sender in senders:
            sender.thread.start()
        try:
            for _ in range(kills):
                before = sum(sender.acknowledged for sender in senders)
                while sum(sender.acknowledged for sender in senders) < before + 20:
                    time.sleep(0.001)
                time.sleep(chance.random() * 0.1)
                noted = [sender.acknowledged for sender in senders]
                relay.kill()
                relay.start()
                wrong += missing(relay, owner, senders, noted)
                if wrong:  # a sender whose items were lost cannot go on
                    return wrong
        finally:
            for sender in senders:
                sender.stop = True
            for sender in senders:
                sender.thread.join(timeout=60)
        wrong += missing(relay, owner, senders, [sender.acknowledged for sender in senders])
    return wrong


def missing(relay: Relay, owner: Peer, senders: list[Sender], acknowledged: list[int]) -> list[str]:
    """What was acknowledged and is not there once and in order."""
    seen: dict[str, list[int]] = {sender.peer.origin: [] for sender in senders}
    after = 0
    while (page := owner.pull(after)).items:
        for entry in page.items:
            header = json.loads(entry.header)
            seen[header["origin"]].append(header["oseq"])
        after = page.scanned
    wrong = []
    for sender, most in zip(senders, acknowledged, strict=True):
        numbers = seen[sender.peer.origin]
        if numbers != list(range(1, len(numbers) + 1)):
            wrong.append(f"{sender.peer.name}: not once and in order")
        if len(numbers) < most:
            wrong.append(f"{sender.peer.name}: {most} acknowledged, {len(numbers)} there")
    return wrong


def test_what_was_acknowledged_survives_kills(tmp_path: Path) -> None:
    with running(tmp_path) as relay:
        assert killed_under_load(relay, 5) == [], f"TELEX_SEED={SEED}"


@pytest.mark.long
def test_what_was_acknowledged_survives_many_kills(tmp_path: Path) -> None:
    with running(tmp_path) as relay:
        assert killed_under_load(relay, 100) == [], f"TELEX_SEED={SEED}"


def test_a_relay_that_answers_before_its_commit_is_caught(tmp_path: Path) -> None:
    with running(tmp_path) as relay:
        assert killed_under_load(relay, 10, (sys.executable, "-c", HASTY)) != [], f"TELEX_SEED={SEED}"
