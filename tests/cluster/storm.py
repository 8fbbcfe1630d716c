"""Four machines write to each other while nodes are killed, paused, cut off and wiped, relays and links killed.

`python -m tests.cluster.storm FOLDER CYCLES SEED [apart] [only=FAULT] [planted=MISTAKE]` says what came of it, in JSON.

Rules kept here: what a machine was told is kept by it alone; a fault lasts while machines write; after every cycle all
is well again; in the middle, every node loses its disk at once.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import apsw
import nats
from nats.aio.client import Client
from tests.cluster.fleet import Fleet
from tests.cluster.logs import dumped
from tests.link.boxes import until

from telex.relay.jetstream.connection import STREAM
from telex.team import alerts, link_state

EACH = 12  # messages of one machine in a cycle, twice
LONGEST_SECONDS = 240.0


class Storm:
    """What befalls a fleet, and what it wrote meanwhile."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.chance = fleet.chance
        self.sent: dict[tuple[str, str], list[str]] = {
            (one.name, other.name): [] for one, other in itertools.permutations(fleet.boxes, 2)
        }
        self.faults: list[str] = []
        self.only = ""  # the one fault that befalls it

    def write(self, count: int) -> None:
        """So many messages of every machine to chosen others."""
        for box in self.fleet.boxes:
            others = [one.name for one in self.fleet.boxes if one is not box]
            with box.bus("writer") as bus:
                for _ in range(count):
                    to = self.chance.choice(others)
                    mine = self.sent[box.name, to]
                    mine.append(f"{box.name} {len(mine)}")
                    bus.send(f"@reader@{to}", mine[-1])

    def befall(self) -> None:
        """One or two faults at once."""
        kinds = ["kill", "pause", "relay", "link", "part" if self.fleet.apart else "pause"]
        for kind in [*self.chance.sample(kinds, self.chance.choice((1, 1, 2)))]:
            self.do(kind)

    def do(self, kind: str) -> None:
        """One fault."""
        fleet, at = self.fleet, self.chance.randrange(3)
        node = fleet.nodes.all[at]
        self.faults.append(kind)
        if kind == "kill":
            node.kill()
        elif kind == "pause":
            fleet.pause(node)
        elif kind == "part":
            fleet.part(at)
        elif kind == "wipe":
            fleet.wipe(node)
        elif kind == "wipe-all":
            for one in fleet.nodes.all:
                fleet.wipe(one)
        elif kind == "relay":
            self.chance.choice(fleet.relays).kill()
        elif kind == "link":
            box = self.chance.choice(fleet.boxes)
            box.kill()
            box.start()

    def blow(self, cycles: int) -> None:
        """So many cycles."""
        for cycle in range(cycles):
            self.write(EACH)
            if self.only:
                self.do(self.only)
            elif cycle == cycles // 2:
                self.do("wipe-all")
            elif cycle % 5 == 4:
                self.do("wipe")
            else:
                self.befall()
            self.write(EACH)
            time.sleep(self.chance.uniform(0, 4))  # a fault that lasts
            self.fleet.heal()
            asyncio.run(healed(self.fleet))
            print(f"cycle {cycle + 1}: {self.faults[-1]}", file=sys.stderr, flush=True)

    def settle(self, most: float = LONGEST_SECONDS) -> bool:
        """Until everything has come and nothing is unknown any more, for so many seconds at most; whether it did."""
        try:
            until(self._through, "everything", most)
        except AssertionError:
            return False
        return True

    def _through(self) -> bool:
        for box in self.fleet.boxes:
            with box.bus() as bus:
                found = link_state.load(bus.db)
            if found is None or found.at_relay != found.oseq:
                return False
            due = sum(len(texts) for (_, to), texts in self.sent.items() if to == box.name)
            if len(box.texts()) < due:
                return False
        return True

    def report(self, settled: bool) -> dict[str, Any]:
        """What came of it."""
        lost, doubled, disordered, troubles = 0, 0, 0, []
        for box in self.fleet.boxes:
            texts = box.texts()
            for (sender, to), sent in self.sent.items():
                if to != box.name:
                    continue
                came = [one for one in texts if one.startswith(f"{sender} ")]
                lost += len(set(sent) - set(came))
                doubled += len(came) - len(set(came))
                disordered += sorted(came, key=lambda text: int(text.split()[1])) != came
            with box.bus() as bus:
                troubles += [f"{box.name}: {one.words}" for one in alerts.recent(bus.db)]
        for relay in self.fleet.relays:
            relay.stop()
        return {
            "sent": sum(map(len, self.sent.values())),
            "lost": lost,
            "doubled": doubled,
            "disordered": disordered,
            "unknown": not settled,
            "differing": differing(self.fleet),
            "troubles": troubles,
            "faults": self.faults,
            "apart": self.fleet.apart,
        }


async def healed(fleet: Fleet) -> None:
    """Until every node has everything that the stream has, and every relay can write."""
    client = await nats.connect([one.url for one in fleet.nodes.all], max_reconnect_attempts=-1)
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            while not await _whole(client):
                await asyncio.sleep(0.1)
    finally:
        await client.close()


async def _whole(client: Client) -> bool:
    try:
        cluster = (await client.jetstream().stream_info(STREAM)).cluster
    except (nats.errors.Error, TimeoutError):
        return False
    replicas = (cluster.replicas if cluster else None) or []
    return len(replicas) == 2 and all(one.current and not one.offline for one in replicas)


def differing(fleet: Fleet) -> list[str]:
    """The tables in which the relays' files differ; they were told to end, so one may have read further."""
    files = []
    for relay in fleet.relays:
        path = relay.home / "relay" / "cluster-1.db"
        con = apsw.Connection(str(path))
        files.append(dumped(con))
        con.close()
    first, second = files
    kept = ("record", "entry", "addressed", "origin", "team", "token")
    return [name for name in kept if first[name] != second[name]]


def main(words: list[str]) -> None:
    """One storm."""
    folder, cycles, seed = Path(words[0]), int(words[1]), int(words[2])
    given = dict(one.split("=") for one in words if "=" in one)
    fleet = Fleet(folder, seed, "apart" in words, given.get("planted", ""))
    try:
        fleet.start()
        storm = Storm(fleet)
        storm.only = given.get("only", "")
        storm.blow(cycles)
        print(json.dumps(storm.report(storm.settle(float(given.get("settle", LONGEST_SECONDS))))), flush=True)
    finally:
        fleet.end()


if __name__ == "__main__":
    main(sys.argv[1:])
