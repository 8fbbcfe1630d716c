"""Who asks: a machine's token and its signature over the whole request.

Rules kept here:
- a token alone is good for nothing, and so is a key alone except to get a token; both together are bound to one
  machine, one team, this relay's URL, one method, path, query and body, and one moment;
- what a machine may do is looked up at every request, in what the chain says then: a removal works at once;
- a request is taken once: its nonce is remembered for as long as its time would pass. What had to be forgotten
  (a restart, too many) is refused by its time instead;
- each machine has a memory of its own for that, and its rate is looked at before: however much one machine asks, the
  requests of others pass.
"""

from __future__ import annotations

from _blake2 import blake2b
from base64 import b64decode
from binascii import Error as NotBase64
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from telex import limits
from telex.crypto import signatures
from telex.relay.quota import Meter
from telex.relay.state import Book
from telex.wire import signing
from telex.wire.faults import refusal
from telex.wire.routes import SIGNED, Route

_HEX = frozenset("0123456789abcdef")


class Caller(NamedTuple):
    """A machine that has shown who it is."""

    team: str
    machine: str
    role: str
    asked_ms: int  # by its own clock, which fits the relay's
    nonce: str = ""


class Asked(NamedTuple):
    """A request, as far as it is signed."""

    method: str
    target: str
    headers: Mapping[str, str]
    at_ms: int  # by the relay's clock


class Claimed(NamedTuple):
    """What a request says of its sender, looked up but not yet proved."""

    team: str
    machine: str
    role: str
    public: bytes
    time_ms: int
    nonce: str
    signature: bytes


def digest(token: str) -> bytes:
    """A token as the book keeps it."""
    return blake2b(token.encode(), digest_size=32, person=b"telex token").digest()


class _Memory:
    """The requests of one machine in the last minutes."""

    def __init__(self, floor_ms: int) -> None:
        self.floor_ms = floor_ms  # what was asked until then may have been taken already
        self.seen: set[bytes] = set()
        self.order: deque[tuple[int, int, bytes]] = deque()  # when it came, its time, and its nonce

    def forget_oldest(self) -> int:
        """Forget one; its time."""
        _, time_ms, nonce = self.order.popleft()
        self.seen.discard(nonce)
        return time_ms

    def forget_until(self, before_ms: int) -> None:
        """Forget those whose time would not pass any more."""
        while self.order and max(self.order[0][:2]) < before_ms:
            self.forget_oldest()


class Nonces:
    """The requests of the last minutes, machine by machine."""

    def __init__(self, now_ms: int) -> None:
        self._began_ms = now_ms
        self._of: dict[str, _Memory] = {}
        self._swept_ms = now_ms
        self.kept = 0  # requests remembered, of all machines

    def may_be_new(self, machine: str, time_ms: int, now_ms: int) -> bool:
        """Whether a request of that time can be told from one that was taken and forgotten."""
        self._began_ms = min(self._began_ms, now_ms)  # the clock was put back: else nothing would pass until then again
        memory = self._of.get(machine)
        if memory is None:
            return time_ms > self._began_ms
        memory.floor_ms = min(memory.floor_ms, now_ms)
        return time_ms > memory.floor_ms

    def take(self, machine: str, nonce: str, time_ms: int, now_ms: int) -> None:
        """Take a request, once. Raises RelayRefused."""
        self._sweep(now_ms)
        memory = self._of.setdefault(machine, _Memory(self._began_ms))
        key = bytes.fromhex(nonce)
        if key in memory.seen:
            raise refusal("replayed")
        while memory.order and (len(memory.order) >= limits.RELAY_MACHINE_NONCES or self.kept >= limits.RELAY_NONCES):
            memory.floor_ms = max(memory.floor_ms, memory.forget_oldest())
            self.kept -= 1
        memory.seen.add(key)
        memory.order.append((now_ms, time_ms, key))
        self.kept += 1

    def _sweep(self, now_ms: int) -> None:
        """Now and then: forget what cannot pass any more, and the machines of which nothing is left."""
        if 0 <= now_ms - self._swept_ms < limits.CLOCK_WINDOW_MS:
            return
        self._swept_ms, before_ms = now_ms, now_ms - 2 * limits.CLOCK_WINDOW_MS
        for memory in self._of.values():
            memory.forget_until(before_ms)
        self._of = {
            machine: memory
            for machine, memory in self._of.items()
            if memory.order or memory.floor_ms > max(self._began_ms, before_ms)
        }
        self.kept = sum(len(memory.order) for memory in self._of.values())


class Door:
    """Lets requests in, or raises RelayRefused."""

    def __init__(self, audience: str, now_ms: int) -> None:
        self.audience = audience
        self._nonces = Nonces(now_ms)

    def look(self, book: Book, route: Route, asked: Asked) -> Claimed:
        """What can be said before the body is there: the claim, the role, the clock."""
        machine, _, token = _credentials(asked.headers).partition(".")
        time_ms, nonce, signature = _signed_parts(asked.headers)
        row = book.row("chain.standing", machine)
        if route.roles != SIGNED:
            known = book.row("token.one", digest(token))
            if known is None or known[0] != machine or known[1] != self.audience or known[2] <= asked.at_ms:
                raise refusal("token-unknown")
        if row is None or row[2]:
            raise refusal("machine-unknown")
        off_ms = time_ms - asked.at_ms
        in_time = -limits.CLOCK_WINDOW_MS <= off_ms <= limits.CLOCK_AHEAD_MS
        if not in_time or not self._nonces.may_be_new(machine, time_ms, asked.at_ms):
            raise refusal("clock-wrong", seconds=round(off_ms / 1000))
        return Claimed(row[0], machine, row[1], row[3], time_ms, nonce, signature)

    def enter(self, route: Route, asked: Asked, claimed: Claimed, body: bytes, meter: Meter) -> Caller:
        """The caller, when its signature fits all of the request, its rate is kept and its role fits the route."""
        text = signing.to_sign(asked.method, asked.target, claimed.time_ms, claimed.nonce, body, self.audience)
        if not signatures.good(claimed.public, text, claimed.signature):
            raise refusal("signature-wrong", audience=self.audience)
        meter.request(claimed.machine, asked.at_ms / 1000)
        self._nonces.take(claimed.machine, claimed.nonce, claimed.time_ms, asked.at_ms)
        if route.roles != SIGNED and claimed.role not in route.roles:
            raise refusal("role-forbids", role=claimed.role)
        return Caller(claimed.team, claimed.machine, claimed.role, claimed.time_ms, claimed.nonce)


def _credentials(headers: Mapping[str, str]) -> str:
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme != signing.SCHEME or not credentials:
        raise refusal("signature-missing", what="an Authorization header of telex's")
    return credentials


def _signed_parts(headers: Mapping[str, str]) -> tuple[int, str, bytes]:
    """Time, nonce and signature."""
    time, nonce = headers.get(signing.TIME.lower(), ""), headers.get(signing.NONCE.lower(), "")
    if not (time.isascii() and time.isdigit() and len(time) <= 15):
        raise refusal("signature-missing", what=f"a {signing.TIME} in milliseconds")
    if len(nonce) != 2 * signing.NONCE_BYTES or not _HEX.issuperset(nonce):
        raise refusal("signature-missing", what=f"a {signing.NONCE} of {2 * signing.NONCE_BYTES} hexadecimal digits")
    try:
        return int(time), nonce, b64decode(headers.get(signing.SIGNATURE.lower(), "").encode(), validate=True)
    except (NotBase64, UnicodeEncodeError):
        raise refusal("signature-missing", what=f"a {signing.SIGNATURE} in base64") from None
