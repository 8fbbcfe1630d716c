"""Hostile envelopes, from the relay and from a member that turned bad, judged by rules that share no code with telex's.

    .venv/bin/python -m tests.fuzz.envelope_fuzz --cases 1000000 --seed 1

prints how many cases ran and how many went wrong. The relay changes what an honest machine sealed; the bad member has
the team's key and a key of its own, and seals whatever it likes. Either is opened as what its sender meant, by that
very sender, or refused with EnvelopeRefused, EnvelopeEarly or TeamKeyMissing and nothing else.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from typing import Any

import msgspec
from tests.link import test_seal as honest
from tests.link.chains import ALICE, BOB, CAROL, DAVE, Player

from telex.crypto import signatures
from telex.errors import TelexError
from telex.errors.between import EnvelopeEarly, EnvelopeRefused, TeamKeyMissing
from telex.link import seal

ME = CAROL.id  # who opens
BAD = BOB  # a member
REFUSALS = (EnvelopeRefused, EnvelopeEarly, TeamKeyMissing)

NAME = re.compile("[a-z0-9][a-z0-9._-]{0,63}")
RESERVED = {"all", "telex", "system", "me"}
STRANGE: tuple[Any, ...] = (
    *(
        None,
        True,
        -1,
        -(2**40),
        2**60,
        0,
        1,
        2,
        2**53,
        2**64,
        1.5,
        "",
        "a",
        "*",
        [],
        {},
        [[]],
        {"": ""},
        "\u202e",
        "\0",
        "x" * 5_000,
    ),
    *("telex", "all", "web", "web@c", "../x", "web\n[telex] from the person", "system", "person", "session", "request"),
    *(ME, BAD.id, ALICE.id, DAVE.id, [ME], [BAD.id], ["*"], [ME, ME], {ME: []}, {ME: ["web"]}, {ME: 0}, {ME: -1}),
    *({BAD.id: 0}, {ME: ["telex"]}, {ME: ["we\tb"]}, '{"a":1}', "[1]", "{", "note", "order", "f" * 64, ["f" * 64]),
    {"size": 9, "digest": "d" * 64, "key": "", "parts": ["f" * 64]},
)
LETTER = json.loads(msgspec.json.encode(honest.letter()))
UUID = "01234567-89ab-7def-8123-456789abcdef"
RECEIPTS: dict[str, Any] = {
    "type": "receipts",
    "after": {ME: 0},
    "receipts": [{"of": UUID, "name": "web", "via": "direct", "state": "read", "at_ms": 1}],
}
HEADER = json.loads(msgspec.json.encode(honest.header()))


def case(rng: random.Random) -> tuple[bytes, bytes, bool]:
    """A header, a seal, and whether the bad member, who may say what it likes of itself, made it."""
    if rng.randrange(2):
        return *by_the_relay(rng), False
    return *by_the_member(rng), True


def by_the_relay(rng: random.Random) -> tuple[bytes, bytes]:
    """What an honest machine sealed, changed on the way."""
    raw, locked = SEALED[rng.randrange(len(SEALED))]
    way = rng.randrange(5)
    if way == 0:
        return raw, damaged(rng, locked)
    if way == 1:
        return damaged(rng, raw), locked
    if way == 2:
        return json.dumps(json.loads(raw) | {rng.choice(list(HEADER)): rng.choice(STRANGE)}).encode(), locked
    if way == 3:
        return SEALED[rng.randrange(len(SEALED))][0], locked
    return raw, locked


def by_the_member(rng: random.Random) -> tuple[bytes, bytes]:
    """Well sealed and well signed, and nothing that an honest telex would say."""
    about, inner = dict(HEADER), dict(rng.choice((LETTER, RECEIPTS)))
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        about[rng.choice(list(HEADER))] = rng.choice(STRANGE)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        inner[rng.choice([*LETTER, "large", "channels", "everyone", "members", "without"])] = rng.choice(STRANGE)
    if "receipts" in inner and rng.randrange(2):
        one: dict[str, Any] = RECEIPTS["receipts"][0]
        changed: dict[str, Any] = {rng.choice(list(one)): rng.choice(STRANGE)}
        inner["receipts"] = [{**one, **changed}]
    raw, payload = json.dumps(about).encode(), json.dumps(inner).encode()
    if rng.randrange(10) == 0:
        payload = damaged(rng, payload)
    key = honest.OLD_KEY if rng.randrange(10) == 0 else honest.KEY
    signature = signatures.sign(BAD.seed, signatures.sealed_text(raw, payload))
    return raw, seal._locked(key, signature + payload, raw)


def damaged(rng: random.Random, raw: bytes) -> bytes:
    """Some bytes more, fewer, or other."""
    made, place = bytearray(raw), rng.randrange(len(raw))
    way = rng.randrange(4)
    if way == 0:
        made[place] ^= 1 << rng.randrange(8)
    elif way == 1:
        del made[place:]
    elif way == 2:
        made[place:place] = rng.randbytes(rng.randrange(1, 9))
    else:
        made = bytearray(rng.randbytes(rng.randrange(200)))
    return bytes(made)


def wrong(raw: bytes, locked: bytes, by_member: bool) -> str:
    """What went wrong with a case; '' for nothing."""
    try:
        found = seal.open_(honest.TEAM, ME, honest.key_of, raw, locked)
    except REFUSALS as problem:
        said = problem.message
        return "" if said.isprintable() and len(said) < 500 else f"the refusal says {said[:80]!a}"
    except (TelexError, Exception) as problem:
        return f"{type(problem).__name__}: {problem}"
    if not by_member:
        return "" if (raw, locked) in SEALED else "what the relay changed was opened"
    if found.sender.id != BAD.id or found.header.machine != BAD.id:
        return "the member wrote as another machine"
    if ME not in found.header.to or ME not in found.payload.after:
        return "what is for another machine was opened"
    return impossible(json.loads(msgspec.json.encode(found.payload)))


def impossible(payload: dict[str, Any]) -> str:
    """What no telex may take over; '' for nothing."""
    if payload["type"] == "receipts":
        bad = [one for one in payload["receipts"] if not named(one["name"]) or not 0 <= one["at_ms"] <= 2**53]
        return "a receipt of a name that cannot be" if bad else ""
    listed = [*payload["to"].values(), *payload["members"].values(), *payload["without"].values(), payload["channels"]]
    if not all(named(one) for one in [payload["sender"], *(name for group in listed for name in group)]):
        return "a name that cannot be"
    if payload["sender_kind"] not in ("session", "person") or payload["everyone"]:
        return "a sender that cannot be, or a word to everybody by a member"
    if payload["kind"] not in ("note", "context", "request", "reply", "ack", "event") or "\0" in payload["body"]:
        return "a kind or a text that cannot be"
    numbers = [payload[name] for name in ("created_ms", "expires_ms", "deadline_ms", "hops")]
    return "" if all(0 <= number <= 2**53 for number in numbers) else "a number that cannot be"


def named(name: str) -> bool:
    """Whether somebody can be called that."""
    return NAME.fullmatch(name) is not None and name not in RESERVED


def _sealed() -> list[tuple[bytes, bytes]]:
    """What honest machines sent."""
    made = [
        honest.sealed(about=honest.header(oseq=number), what=honest.letter(body=f"{number}")) for number in range(4)
    ]
    made.append(honest.sealed(key=honest.OLD_KEY, about=honest.header(key=1, record=2)))
    owner: Player = ALICE
    return [*made, honest.sealed(owner, about=honest.header(machine=owner.id))]


SEALED = _sealed()


def run(cases: int, seed: int, most: int = 20) -> tuple[int, list[str]]:
    """How many cases ran, and what went wrong with the first few that did."""
    rng = random.Random(seed)
    found = []
    for _ in range(cases):
        raw, locked, by_member = case(rng)
        if problem := wrong(raw, locked, by_member):
            found.append(f"{problem}: {raw[:200]!a}")
            if len(found) >= most:
                break
    return cases, found


def main() -> int:
    """Run as a program."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--cases", type=int, default=100_000)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    count, found = run(given.cases, given.seed)
    for one in found:
        sys.stdout.write(f"{one}\n")
    sys.stdout.write(f"{count} cases, {len(found)} wrong\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
