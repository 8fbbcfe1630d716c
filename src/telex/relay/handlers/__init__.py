"""The operations of the API, room by room: one function for each row of `wire.routes`.

Rule kept here: a room asks the book and submits commands; who may come in was decided before.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from telex.relay.handlers import health, log, membership, pairing, parts, rosters
from telex.relay.service import Answer, Call, Desk

Handler = Callable[[Desk, Call], Awaitable[Answer]]

HANDLERS: dict[str, Handler] = {
    "token": membership.token,
    "records": membership.records,
    "append": membership.append,
    "push": log.push,
    "pull": log.pull,
    "events": log.events,
    "roster": rosters.put,
    "rosters": rosters.listed,
    "invite": pairing.invite,
    "invitation": pairing.invitation,
    "answer": pairing.answer,
    "burn": pairing.burn,
    "join": pairing.join,
    "prove": pairing.prove,
    "joining": pairing.joining,
    "put_blob": parts.put,
    "has_blob": parts.has,
    "get_blob": parts.get,
    "healthz": health.healthz,
    "readyz": health.readyz,
    "metrics": health.metrics,
    "openapi": health.openapi,
}
