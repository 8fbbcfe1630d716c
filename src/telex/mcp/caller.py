"""Who makes a call: told anew for each one, never guessed, never the person.

Rules kept here, in this order:
1. what the call itself says: Codex puts its thread's id into `_meta` of every tools/call. It is believed where the
   process above is a Codex, and holds that thread where somebody is known to; else the call is refused;
2. the session whose process started this server: known by its hooks, right also after `/clear`, which makes the
   environment stale. Where two sessions could be meant, the environment tells them apart, else it is refused;
3. the client's own session id in the environment, where its hooks never ran;
4. the name that was configured (`--name`, TELEX_NAME), for a client that telex does not know;
5. a guest: a client that says nothing is known by its process, and named by its directory or the configured name.
A session found further up that belongs to another kind of client is not this one's: a Gemini that was started from
Claude Code's shell is a Gemini. Over HTTP the process says nothing, so 4 alone applies.
"""

from __future__ import annotations

import json
import os

from telex.bus import here, identity
from telex.core import names
from telex.errors import CallerUnnamed, NameTaken, WhoAreYou

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from telex.bus import Bus, Caller

CODEX_META = "x-codex-turn-metadata"
VARIABLES = (*identity.SESSION_VARIABLES, ("COPILOT_AGENT_SESSION_ID", "copilot"))
KINDS = ("claude", "codex", "gemini", "opencode", "copilot")


def kind_of(client: str) -> str:
    """The word for a client that calls itself so: gemini-cli-mcp-client is gemini."""
    slug = names.slug(client, default="mcp")
    return next((kind for kind in KINDS if kind in slug), slug)


class Callers:
    """Resolves who calls. Made once for a server, in the process that the client started."""

    def __init__(self, *, name: str = "", over_http: bool = False, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        self._wish = names.fold_own(wish) if (wish := name or environment.get("TELEX_NAME", "")) else ""
        self._over_http = over_http
        self._client_pid = os.getpid() if over_http else os.getppid()
        self._directory = here()
        self._asked: set[int] = set()  # sessions whose name was asked for once

    def resolve(self, bus: Bus, meta: Mapping[str, Any], client: str) -> Caller:
        """The session that makes a call. Raises WhoAreYou, CallerUnnamed, NameTaken."""
        kind = kind_of(client)
        if (thread := codex_thread(meta)) and not self._over_http:
            identity.check_thread(bus.db, "codex", thread, self._client_pid)
            return self._keyed(bus, "codex", thread)
        if self._over_http:
            if not self._wish:
                raise CallerUnnamed()
            return self._named(bus)
        if found := self._by_process(bus, kind):
            return found
        for variable, owner in VARIABLES:
            if (key := self._environment.get(variable, "")) and (kind == owner or kind not in KINDS):
                return self._of_environment(bus, kind, owner, key)
        if self._wish and kind not in KINDS:
            return self._named(bus)
        return identity.guest(bus.db, kind, self._client_pid, self._directory, bus.clock(), self._wish)

    def _by_process(self, bus: Bus, kind: str) -> Caller | None:
        try:
            found = identity.by_process(bus.db, self._client_pid, self._directory)
        except WhoAreYou:
            return identity.identify(bus.db, bus.clock(), self._environment, self._directory, self._client_pid)
        if found and found.client != kind and found.client in KINDS and kind in KINDS:
            return None
        return found

    def _of_environment(self, bus: Bus, kind: str, owner: str, key: str) -> Caller:
        if kind == owner:
            return self._keyed(bus, owner, key)
        if owner == "copilot":
            raise WhoAreYou()  # a program under Copilot, and which process is Copilot's cannot be told
        return identity.identify(bus.db, bus.clock(), self._environment, self._directory, os.getpid())

    def _keyed(self, bus: Bus, client: str, key: str) -> Caller:
        found = identity.by_key(bus.db, client, key, self._client_pid, self._directory, bus.clock())
        assert found.session is not None
        if not self._wish or self._over_http or found.session.id in self._asked:
            return found
        self._asked.add(found.session.id)
        try:
            bus.acting(found).rename(self._wish)
        except NameTaken:
            return found  # as a session that starts with a wish keeps the name it got
        return identity.by_key(bus.db, client, key, self._client_pid, self._directory, bus.clock())

    def _named(self, bus: Bus) -> Caller:
        wish, pid = self._wish, self._client_pid
        return identity.named(bus.db, wish, pid, self._directory, bus.clock())


def codex_thread(meta: Mapping[str, Any]) -> str:
    """The thread that Codex says it calls from; '' where it says nothing."""
    told = meta.get(CODEX_META)
    if isinstance(told, str):
        try:
            told = json.loads(told)
        except ValueError:
            return ""
    thread = told.get("thread_id") if isinstance(told, dict) else ""
    return thread if isinstance(thread, str) else ""
