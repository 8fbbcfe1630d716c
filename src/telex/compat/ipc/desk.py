"""Who is behind a request that came through the port, and what it is answered.

Rules kept here: everything but `register` needs a token, and the token says who asks: a claimed `from_id` or
`instance_id` counts for nothing; with IPC_SHARED_SECRET a registration must know it; a client that cannot be proven
to be the one that came is refused; whatever ids it takes, one process has one budget of registrations, of ids at a
time and of messages; a store that was replaced by a repair is opened again, and the request is tried once more. All
of it runs in one thread, which owns its store.
"""

from __future__ import annotations

import hmac
import os
from collections import deque
from hashlib import sha256

from telex import limits
from telex.compat.ipc import actions, letters
from telex.compat.ipc.accounts import Accounts
from telex.compat.ipc.visitor import FOREIGN
from telex.errors import IpcRefused, StoreBusy, StoreCorrupt, StoreFault, StoreUnreachable
from telex.wiring import open_bus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.bus import Bus
    from telex.compat.ipc.visitor import Visitor

SECRET = "IPC_SHARED_SECRET"
TOO_MANY_REGISTRATIONS = "Too many registration attempts. Please wait."

_KEYS = {
    "send": ("to_id", "message"),
    "broadcast": ("message",),
    "rename": ("old_id", "new_id"),
    "register": ("instance_id",),
}
_MINUTE_MS = 60_000
_COUNTED = ("list", "rename")  # by id; a check never
_SENDS = ("send", "broadcast")  # by id where they are stored, and here by the process behind all its ids


class Desk:
    """Answers requests, one after the other."""

    def __init__(self) -> None:
        self._bus: Bus | None = None
        self._asked: dict[str, deque[int]] = {}
        self._accounts = Accounts()
        self._secret = os.environ.get(SECRET, "")

    @property
    def has_secret(self) -> bool:
        """Whether a registration must know a secret."""
        return bool(self._secret)

    def open(self) -> int:
        """Open the store; guests of a port that is gone become this one's: how many. Raises StoreFault."""
        self._bus = open_bus()
        self._bus.learn_owner()
        return self._bus.adopt_guests(os.getpid())

    def close(self) -> None:
        """Close the store."""
        if self._bus is not None:
            self._bus.close()
            self._bus = None

    def answer(self, request: dict[str, Any], visitor: Visitor) -> tuple[dict[str, Any], letters.Handed | None]:
        """The answer, and for a check the mail that is marked read once the answer has arrived.

        Raises StoreBusy for a check while another one of the same inbox is under way.
        """
        try:
            try:
                return self._answer(request, visitor)
            except (StoreUnreachable, StoreCorrupt):
                self.close()  # it may have been repaired meanwhile: nothing was stored in the old one
                return self._answer(request, visitor)
        except (IpcRefused, StoreFault) as problem:
            if isinstance(problem, StoreBusy) and request.get("action") == "check":
                raise
            return actions.refusal(problem), None

    def finish(self, handed: letters.Handed, took: bool) -> None:
        """Whether a check's answer has arrived. What cannot be recorded stays unread."""
        try:
            handed.finish(took)
        except StoreFault:
            return

    def _answer(self, request: dict[str, Any], visitor: Visitor) -> tuple[dict[str, Any], letters.Handed | None]:
        if self._bus is None:
            self.open()
        bus = self._bus
        assert bus is not None
        bus.db.check_in_place()  # reading alone would not notice
        if not visitor.still_there:
            raise IpcRefused(words=FOREIGN)
        action = request.get("action")
        if action == "register":
            return actions.answered(lambda: self._register(bus, request, visitor)), None
        token = request.get("session_token")
        mine = bus.guest(token, pid=os.getpid()) if isinstance(token, str) and token else None
        if mine is None:
            raise IpcRefused(words=actions.NO_TOKEN)
        self._accounts.used(mine.me.address.name, bus.clock())
        if action in _COUNTED:
            self._count(bus, f"{mine.me.address.id}", actions.TOO_FAST)
        elif action in _SENDS:
            account = self._accounts.of_name(bus, mine.me.address.name, visitor)
            self._count(bus, f"sends of {account}", actions.TOO_FAST, bus.settings().sends_per_minute)
        if action == "check":
            handed = actions.check(mine, patience_ms=0)
            answer: dict[str, Any] = {"status": "ok", "messages": handed.messages}
            if handed.more:
                answer["more"] = handed.more
            return answer, handed
        _need(request)
        doings = {
            "send": lambda: actions.send(mine, request["to_id"], request["message"]),
            "broadcast": lambda: actions.broadcast(mine, request["message"]),
            "list": lambda: actions.instances(mine),
            "rename": lambda: self._rename(mine, request),
        }
        doing = doings.get(action) if isinstance(action, str) else None
        if doing is None:
            raise IpcRefused(words=f"Unknown action: {str(action)[: limits.NAME_CHARS]}")
        return actions.answered(doing), None

    def _register(self, bus: Bus, request: dict[str, Any], visitor: Visitor) -> dict[str, Any]:
        _need(request)
        written = request["instance_id"]
        self._count(bus, f"register_{str(written)[: limits.NAME_CHARS]}", TOO_MANY_REGISTRATIONS)
        account = self._accounts.of(bus, visitor)
        self._count(bus, f"registrations of {account}", TOO_MANY_REGISTRATIONS, limits.IPC_REGISTRATIONS_PER_MINUTE)
        if self._secret and isinstance(written, str):
            expected = sha256(f"{written}:{self._secret}".encode("utf-8", "replace")).hexdigest()
            given = request.get("auth_token")
            if not isinstance(given, str) or not hmac.compare_digest(
                expected.encode(), given.encode("utf-8", "replace")
            ):
                raise IpcRefused(words="Invalid auth token")
        token = request.get("session_token")
        proof = token if isinstance(token, str) else ""

        def admit(name: str, spelled: str) -> tuple[Bus, str]:
            self._accounts.take(account, name, bus.clock(), bus.settings().ipc_lease_seconds * 1000)
            return bus.admit(name, spelled, pid=os.getpid(), token=proof)

        return actions.register(bus, written, admit)

    def _rename(self, mine: Bus, request: dict[str, Any]) -> dict[str, Any]:
        before = mine.me.address.name
        answer = actions.rename(mine, request["old_id"], request["new_id"])
        self._accounts.renamed(before, mine.me.address.name)
        return answer

    def _count(self, bus: Bus, key: str, complaint: str, most: int = 0) -> None:
        """One more request of its kind; `most` in a minute, or else the setting. Raises IpcRefused for one too many."""
        now_ms, most = bus.clock(), most or bus.settings().ipc_requests_per_minute
        if len(self._asked) > limits.IPC_CONNECTIONS:
            self._asked = {one: times for one, times in self._asked.items() if times[-1] > now_ms - _MINUTE_MS}
        times = self._asked.setdefault(key, deque())
        while times and not now_ms - _MINUTE_MS < times[0] <= now_ms:
            times.popleft()
        if len(times) >= most:
            raise IpcRefused(words=complaint)
        times.append(now_ms)


def _need(request: dict[str, Any]) -> None:
    """Raises IpcRefused for a request that lacks what its action needs."""
    missing = [key for key in _KEYS.get(str(request.get("action")), ()) if key not in request]
    if missing:
        raise IpcRefused(words=f"Invalid request: {', '.join(repr(key) for key in missing)} is missing")
