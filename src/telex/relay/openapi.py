"""The OpenAPI document, made of the table of routes and the types of the API.

Rules kept here: nothing is described twice; every refusal that a route can answer with is listed, and `allowed` says
so to the tests.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from telex import __version__, limits
from telex.wire import api, signing
from telex.wire.faults import BY_CODE, FAULTS
from telex.wire.routes import ANYBODY, ROUTES, SIGNED, Route

_EVERY = ("host-wrong", "bug", "log-busy", "log-broken", "closing")
_MACHINE = ("signature-missing", "signature-wrong", "clock-wrong", "replayed", "machine-unknown", "many-guesses")
_WRITES = ("log-full",)
_PAIRING = ("invitation-unknown",)
_JOINING = (*_PAIRING, "claimed", "code-wrong", "many-guesses")
_OWN = {
    "token": _WRITES,
    "push": (*_WRITES, "key-old", "part-missing", "team-full", "machine-full", "inbox-full"),
    "append": (*_WRITES, "chain-conflict", "record-wrong"),
    "roster": (*_WRITES, "roster-old"),
    "invite": (*_WRITES, "many-invitations"),
    "invitation": _PAIRING,
    "answer": (*_WRITES, *_PAIRING),
    "burn": (*_WRITES, *_PAIRING),
    "join": (*_WRITES, *_JOINING),
    "prove": (*_WRITES, *_JOINING, "record-wrong", "team-exists"),
    "joining": _JOINING,
    "put_blob": (*_WRITES, "part-wrong", "team-full", "machine-full"),
    "has_blob": ("part-unknown",),
    "get_blob": ("part-unknown",),
    "readyz": _WRITES,
}
PLACES = {"nameplate": "^[1-9][0-9]{0,8}$", "digest": "^[0-9a-f]{64}$"}
_JSON, _BYTES = "application/json", "application/octet-stream"
_SCHEMA = "#/components/schemas/{name}"


def refusals(route: Route) -> list[str]:
    """The codes that a route can refuse with."""
    found = [*_EVERY, *_OWN.get(route.name, ())]
    if route.roles != ANYBODY:
        found += _MACHINE
        found += [] if route.roles == SIGNED else ["token-unknown", "role-forbids", "too-fast"]
    if not route.path.startswith("/v1/openapi") and (route.query or route.takes or "{" in route.path):
        found += ["body-invalid"]
    found += ["body-invalid", "body-too-large"]
    return [one.code for one in FAULTS if one.code in found]


def allowed(route: Route) -> set[int]:
    """Every status that a route can answer with."""
    return {success(route), *(BY_CODE[code].status for code in refusals(route))}


def success(route: Route) -> int:
    """The status of its success."""
    return 200 if route.gives else 204


def document() -> dict[str, Any]:
    """The whole document."""
    types = {one.__name__: one for route in ROUTES for one in (route.takes, route.gives) if one and _is_struct(one)}
    _, schemas = msgspec.json.schema_components(
        [*(types[name] for name in sorted(types)), api.Failed], ref_template=_SCHEMA
    )
    for schema in schemas.values():
        for one in schema["properties"].values():
            if one.get("contentEncoding") == "base64":
                one["format"] = "byte"  # what OpenAPI's own tools know it by
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "telex relay",
            "version": __version__,
            "description": "What links and relays say to each other. How requests are signed, and what is sealed in "
            "the envelopes, is told in docs/protocol.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "machine": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": f"`{signing.SCHEME} MACHINE.TOKEN`, with {signing.TIME}, {signing.NONCE} and "
                    f"{signing.SIGNATURE}; for POST /v1/token without the token",
                }
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    roles = "" if route.roles in (ANYBODY, SIGNED) else f" (roles: {', '.join(route.roles)})"
    made: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.says + roles,
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {str(success(route)): _success(route), **_failures(route)},
    }
    if route.roles != ANYBODY:
        made["security"] = [{"machine": []}]
    if route.takes:
        made["requestBody"] = {"required": True, "content": _content(route.takes)}
    return made


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": PLACES[name]}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    _, schemas = msgspec.json.schema_components([route.query], ref_template=_SCHEMA)
    described = schemas[route.query.__name__]
    needed = described.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": schema}
        for name, schema in described["properties"].items()
    ]


def _success(route: Route) -> dict[str, Any]:
    if route.name == "events":
        return {"description": "events, each with a Fresh", "content": {"text/event-stream": {}}}
    return {"description": "done", **({"content": _content(route.gives)} if route.gives else {})}


def _content(kind: type) -> dict[str, Any]:
    if kind is bytes:
        return {_BYTES: {"schema": {"type": "string", "maxLength": limits.RELAY_PART_BYTES}}}
    if kind is str:
        return {"text/plain": {"schema": {"type": "string"}}}
    if kind is dict:
        return {_JSON: {"schema": {"type": "object"}}}
    return {_JSON: {"schema": {"$ref": _SCHEMA.format(name=kind.__name__)}}}


def _failures(route: Route) -> dict[str, Any]:
    """Every refusal, by status."""
    found: dict[str, list[str]] = {}
    for code in refusals(route):
        found.setdefault(str(BY_CODE[code].status), []).append(code)
    body = {} if route.method == "HEAD" else {"content": _content(api.Failed)}
    return {status: {"description": ", ".join(codes), **body} for status, codes in sorted(found.items())}


def _is_struct(kind: type) -> bool:
    return issubclass(kind, msgspec.Struct)
