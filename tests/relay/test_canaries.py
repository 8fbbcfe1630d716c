"""What the relay can know: nothing that is sealed is in any byte of its files, its logs, its metrics or its memory."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import httpx2
import msgspec
import pytest
from tests.link import homes
from tests.relay.machines import hex_id
from tests.relay.running import Relay, running

from telex.link import seal
from telex.link.http import Relay as Asking
from telex.link.membership import Membership
from telex.wire import api
from telex.wire.envelope import Header, Letter, Payload, Resident, Roster

# One for each thing that nobody but the team may know.
CANARIES = {
    name: f"canary-{name}-{hex_id()}"
    for name in ("body", "data", "sender", "recipient", "channel", "place", "topic", "resident", "part", "kind")
}
Seal = Callable[[Membership, Header, Payload], tuple[bytes, bytes]]


def sealed(own: Membership, header: Header, payload: Payload) -> tuple[bytes, bytes]:
    """As telex seals."""
    return own.seal(header, payload)


def unsealed(_own: Membership, header: Header, payload: Payload) -> tuple[bytes, bytes]:
    """The planted fault: the seal is left out."""
    return msgspec.json.encode(header), msgspec.json.encode(payload)


def letter(to: str) -> Letter:
    """A letter with a canary wherever one may be."""
    return Letter(
        after={to: 0},
        sender=CANARIES["sender"],
        sender_kind="session",
        client="claude",
        place=CANARIES["place"],
        addressed=f"@{CANARIES['recipient']}",
        to={to: [CANARIES["recipient"]]},
        channels=[CANARIES["channel"]],
        kind=CANARIES["kind"],
        body=CANARIES["body"],
        data=f'{{"file": "{CANARIES["data"]}"}}',
        topic=CANARIES["topic"],
        created_ms=1,
    )


async def speak(relay: Asking, own: Membership, how: Seal) -> None:
    """Everything that a machine gives a relay: a letter, a large body's part, a roster."""
    team = own.team
    (to,) = (one.id for one in team.members() if one.id != own.own.machine)
    key = seal.part_key(own.own, hex_id(), hex_id())
    plain = CANARIES["part"].encode() * 5_000
    part = plain if how is unsealed else seal.seal_part(key, 0, plain)
    await relay.ask("put_blob", part, digest=seal.part_digest(part))
    header = Header(
        team=team.id,
        machine=own.own.machine,
        to=[to],
        origin=hex_id(),
        oseq=1,
        id=hex_id(),
        key=team.key,
        record=team.n,
        at_ms=1,
        blobs=[seal.part_digest(part)],
    )
    raw, inner = how(own, header, letter(to))
    item = api.Item(oseq=1, header=raw, sealed=inner)
    pushed = await relay.ask("push", api.Push(origin=header.origin, items=[item]))
    assert (pushed.last_oseq, pushed.refused) == (1, [])
    resident = Resident(
        name=CANARIES["resident"], kind="session", client="claude", state="idle", channels=[CANARIES["channel"]]
    )
    about = Roster(at_ms=1, residents=[resident])
    roster = seal.seal_roster(own.own, team.id, team.key, own.key(team.key), about)
    if how is unsealed:
        roster = msgspec.json.encode(about)
    await relay.ask("roster", api.SetRoster(key=team.key, sealed=roster))


async def listen(relay: Asking, own: Membership) -> None:
    """Fetch it all, so that the relay had it in its hands on the way out, too."""
    epoch = (await relay.ask("pull")).epoch
    (entry,) = (await relay.ask("pull", query={"epoch": epoch, "after": 0})).items
    header = msgspec.json.decode(entry.header, type=Header)
    await relay.ask("get_blob", digest=header.blobs[0])
    assert (await relay.ask("rosters")).rosters


def memory_of(pid: int) -> bytes:
    """All that a process has in memory that it may write to."""
    found = []
    with (
        open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as maps,
        open(f"/proc/{pid}/mem", "rb", buffering=0) as memory,
    ):
        for line in maps:
            span, mode = line.split()[:2]
            if not mode.startswith("rw"):
                continue
            start, end = (int(one, 16) for one in span.split("-"))
            try:
                memory.seek(start)
                found.append(memory.read(end - start))
            except (OSError, ValueError, OverflowError):
                continue
    return b"".join(found)


def places_of(relay: Relay) -> dict[str, bytes]:
    """Every byte that a relay has."""
    assert relay.process is not None
    found = {"memory": memory_of(relay.process.pid), "metrics": httpx2.get(f"{relay.url}/metrics").content}
    found["log"] = relay.log.read_bytes()
    found["files"] = b"".join(path.read_bytes() for path in relay.file.parent.iterdir())
    return found


def seen(canary: str, where: bytes) -> bool:
    """Whether a canary is there: plain, or in the middle of something in base64, however it begins there."""
    raw = canary.encode()
    return any(b64encode(raw[cut:])[4:-4] in where for cut in range(3)) or raw in where


@pytest.mark.parametrize("how", [sealed, unsealed], ids=lambda how: how.__name__)
def test_a_relay_never_has_what_is_sealed(tmp_path: Path, how: Seal) -> None:
    """Would break: whoever runs a relay, or takes its disk, could read what agents say to each other."""
    with running(tmp_path) as relay, homes.at(tmp_path, relay.url) as home:
        alice = home("alice").found(relay.code("acme"))
        bob = homes.paired(alice, home("bob"))
        alice.asks(lambda asking, own: speak(asking, own, how))
        bob.asks(listen)
        found = {
            (name, place)
            for place, where in places_of(relay).items()
            for name, canary in CANARIES.items()
            if seen(canary, where)
        }
        if how is sealed:
            assert found == set()
        else:
            assert found >= {(name, place) for name in CANARIES for place in ("memory", "files")}
