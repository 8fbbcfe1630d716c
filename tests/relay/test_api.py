"""The API against its own description: generated requests, signed and not, get documented answers and no failures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import checks
from tests.relay.conftest import Crew
from tests.relay.machines import Peer
from tests.relay.running import Relay

from telex.relay.handlers import HANDLERS
from telex.relay.openapi import document, refusals
from telex.wire.faults import BY_CODE, FAULTS
from telex.wire.routes import ANYBODY, BY_NAME, ROUTES, SIGNED, Route

CASES = int(os.environ.get("TELEX_API_CASES", "25"))
LONG_CASES = 500
WAIT_MS = 5  # at most, where a generated request asks to wait
STREAM = "events"  # answers for as long as somebody listens; test_log.py looks at it
REJECTED = [400, 401, 403, 404, 405, 409, 413, 422, 429]
CONFIG = schemathesis.Config.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": REJECTED}}})
SCHEMA = schemathesis.openapi.from_dict(document())


def unguarded() -> Any:
    """The document without what it says of credentials: they are put on afterwards, right or not at all."""
    made = document()
    for methods in made["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
    return schemathesis.openapi.from_dict(made, config=CONFIG)


def operations(schema: Any) -> dict[str, Any]:
    """Every operation, by its name."""
    found = [one.ok() for one in schema.get_all_operations()]
    return {str(one.definition.raw["operationId"]): one for one in found}


OPERATIONS = operations(unguarded())
NAMES = sorted(set(OPERATIONS) - {STREAM})
# What is generated as valid has no record, code or part behind it, so it may be refused as it is documented.
LEFT_OUT = [checks.CHECKS.get_one(name) for name in ("positive_data_acceptance", "ignored_auth")]


def quick(examples: int) -> settings:
    """So many requests, and nothing kept."""
    every = list(HealthCheck)
    phases = [Phase.explicit, Phase.generate]
    return settings(max_examples=examples, deadline=None, suppress_health_check=every, phases=phases, database=None)


@pytest.fixture(scope="module")
def crew(relay: Relay) -> Iterator[Crew]:
    """One team for all of it."""
    with ExitStack() as peers:
        yield Crew(relay, "described", peers)


def sent(case: Any, route: Route, peer: Peer, signed: bool) -> requests.Response:
    """The generated request, signed as the machine signs where it is to be."""
    if case.query and isinstance(case.query.get("wait_ms"), int):
        case.query["wait_ms"] = min(case.query["wait_ms"], WAIT_MS)
    prepared = requests.Request(**case.as_transport_kwargs(base_url=peer.url)).prepare()
    if signed and route.roles != ANYBODY:
        body: Any = prepared.body or b""
        raw = body.encode() if isinstance(body, str) else body
        shown = peer.credentials(str(prepared.method), prepared.path_url, raw, route.roles == SIGNED)
        prepared.headers.update(shown)
    with requests.Session() as session:
        session.trust_env = False
        return session.send(prepared, timeout=60)


def looked_at(crew: Crew, name: str, signed: bool, examples: int) -> None:
    """Generate requests for one operation, and hold every answer against the document."""
    route, operation = BY_NAME[name], OPERATIONS[name]
    modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))

    @quick(examples)
    @given(case=cases)
    def run(case: Any) -> None:
        response = sent(case, route, crew.alice, signed)
        case.validate_response(response, excluded_checks=LEFT_OUT)
        assert response.status_code < 500, response.text
        if not signed and route.roles != ANYBODY:
            assert response.status_code in (401, 429), response.text

    run()


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_documented(crew: Crew, name: str) -> None:
    looked_at(crew, name, signed=True, examples=CASES)


@pytest.mark.parametrize("name", [name for name in NAMES if BY_NAME[name].roles != ANYBODY])
def test_without_a_signature_nothing_else_matters(crew: Crew, name: str) -> None:
    looked_at(crew, name, signed=False, examples=CASES // 2)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_documented_for_long(crew: Crew, name: str) -> None:
    looked_at(crew, name, signed=True, examples=LONG_CASES)


def test_the_document_is_what_is_served(relay: Relay) -> None:
    assert requests.get(f"{relay.url}/v1/openapi.json", timeout=60).json() == document()


def test_the_document_is_valid_openapi() -> None:
    SCHEMA.validate()


def test_every_route_has_one_room_and_one_operation() -> None:
    assert set(HANDLERS) == set(BY_NAME) == set(OPERATIONS)
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_every_refusal_belongs_to_a_route() -> None:
    """Would break: a link would meet a code that its table does not have, or wait for one that never comes."""
    used = {code for route in ROUTES for code in refusals(route)}
    assert set(BY_CODE) - used == {"path-unknown", "method-unknown"}
    assert [one.code for one in FAULTS if one.passes and one.status not in (429, 500, 503)] == []
