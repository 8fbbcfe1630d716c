"""The routes of the relay, version 1, as one table: OpenAPI, access tests and both programs read it.

Rule kept here: who may call a route stands in its row and nowhere else.
"""

from __future__ import annotations

from typing import NamedTuple

from telex import limits
from telex.wire import api
from telex.wire.records import MEMBER, OWNER, READER

ANYBODY: tuple[str, ...] = ()
ALL_ROLES = (OWNER, MEMBER, READER)
SIGNED = ("signed",)  # by a member's key, without a token


class Route(NamedTuple):
    """One operation."""

    name: str
    method: str
    path: str
    roles: tuple[str, ...]  # who may call it; ANYBODY needs no machine
    takes: type | None
    gives: type | None
    says: str
    query: type | None = None


ROUTES = (
    Route("token", "POST", "/v1/token", SIGNED, None, api.Token, "a token for a machine that proves its key"),
    Route("push", "POST", "/v1/log", (OWNER, MEMBER), api.Push, api.Pushed, "the next envelopes of an origin"),
    Route("pull", "GET", "/v1/log", ALL_ROLES, None, api.Page, "envelopes for this machine after a cursor", api.Pull),
    Route("events", "GET", "/v1/events", ALL_ROLES, None, api.Fresh, "server-sent events: there is something to pull"),
    Route("records", "GET", "/v1/records", ALL_ROLES, None, api.Records, "the membership chain, and grants", api.After),
    Route("append", "POST", "/v1/records", (OWNER,), api.Append, None, "the next membership record"),
    Route("roster", "PUT", "/v1/roster", (OWNER, MEMBER), api.SetRoster, None, "who is at this machine"),
    Route("rosters", "GET", "/v1/rosters", ALL_ROLES, None, api.Rosters, "who is at the others", api.After),
    Route("invite", "POST", "/v1/invitations", (OWNER,), api.Invite, api.Invited, "a new invitation"),
    Route(
        "invitation",
        "GET",
        "/v1/invitations/{nameplate}",
        (OWNER,),
        None,
        api.Pairing,
        "what the joiner said",
        api.Waiting,
    ),
    Route("answer", "PUT", "/v1/invitations/{nameplate}", (OWNER,), api.Reply, None, "an answer to the joiner"),
    Route("burn", "DELETE", "/v1/invitations/{nameplate}", (OWNER,), None, None, "the invitation is void"),
    Route("join", "POST", "/v1/join/{nameplate}", ANYBODY, api.Join, None, "claim an invitation"),
    Route("prove", "PUT", "/v1/join/{nameplate}", ANYBODY, api.Prove, None, "who joins, sealed"),
    Route("joining", "GET", "/v1/join/{nameplate}", ANYBODY, None, api.Joining, "what the inviter said", api.Attempt),
    Route("put_blob", "PUT", "/v1/blobs/{digest}", (OWNER, MEMBER), bytes, None, "a sealed part of a large body"),
    Route("has_blob", "HEAD", "/v1/blobs/{digest}", ALL_ROLES, None, None, "whether a part is there"),
    Route("get_blob", "GET", "/v1/blobs/{digest}", ALL_ROLES, None, bytes, "a sealed part of a large body"),
    Route("healthz", "GET", "/healthz", ANYBODY, None, api.Well, "the process runs"),
    Route("readyz", "GET", "/readyz", ANYBODY, None, api.Well, "the log can be written and read"),
    Route("metrics", "GET", "/metrics", ANYBODY, None, str, "Prometheus metrics"),
    Route("openapi", "GET", "/v1/openapi.json", ANYBODY, None, dict, "this API"),
)
_LARGE = ("pull", "records", "rosters", "openapi", "metrics")  # a full page, in JSON


def answer_bytes(route: Route) -> int:
    """The most that a success of this route may have, in bytes."""
    if route.gives is bytes:
        return limits.RELAY_PART_BYTES
    return limits.RELAY_ANSWER_BYTES if route.name in _LARGE else limits.RELAY_JOIN_BYTES


BY_NAME = {one.name: one for one in ROUTES}
