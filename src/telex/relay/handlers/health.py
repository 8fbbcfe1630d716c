"""Health, metrics, and the API's own description."""

from __future__ import annotations

import msgspec

from telex import __version__
from telex.relay.openapi import document
from telex.relay.service import Call, Desk
from telex.wire import api


async def healthz(_desk: Desk, _call: Call) -> api.Well:
    """The process runs."""
    return api.Well(well=True, version=__version__)


async def readyz(desk: Desk, _call: Call) -> api.Well:
    """The log takes a write, and can be read."""
    await desk.probe()
    return api.Well(well=True, version=__version__)


async def metrics(desk: Desk, _call: Call) -> bytes:
    """Counts and times."""
    return desk.metrics.text(desk.wakes.count)


async def openapi(_desk: Desk, _call: Call) -> bytes:
    """The OpenAPI document."""
    return _DOCUMENT


_DOCUMENT = msgspec.json.encode(document())
