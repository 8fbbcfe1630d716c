"""The MCP server: `telex mcp`, on the official SDK.

Rules kept here: over stdio both protocol eras are served, the client's first request decides (with a channel only
the handshake); nothing is imported for HTTP unless it is asked for.
"""

from __future__ import annotations

from functools import partial

import anyio
import mcp_types as types
from mcp.server.runner import serve_loop

from telex.errors import TelexError
from telex.mcp import channel
from telex.mcp.bus_thread import Desk
from telex.mcp.caller import Callers
from telex.mcp.server import CHANNEL, Service
from telex.mcp.stdio import Wire, own_pipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from telex.bus import Bus
    from telex.mcp.server import Context
    from telex.mcp.toolset import Offer


def serve(open_bus: Callable[[], Bus], offer: Offer, *, name: str = "", channels: bool = False) -> None:
    """Serve standard input and output until they end."""
    anyio.run(partial(_serve, open_bus, offer, Callers(name=name), channels))


async def _serve(open_bus: Callable[[], Bus], offer: Offer, callers: Callers, channels: bool) -> None:
    desk = Desk(open_bus)
    wire = Wire(desk, *own_pipe())
    async with anyio.create_task_group() as group:
        async with wire.streams() as (incoming, outgoing):
            service = Service(desk, callers, offer, group)
            server = service.server
            if not channels:
                await server.run(incoming, outgoing, server.create_initialization_options())
            else:

                async def begin(ctx: Context, _: object) -> None:
                    group.start_soon(_feed, service, ctx, wire)

                server.add_notification_handler("notifications/initialized", types.NotificationParams, begin)
                options = server.create_initialization_options(experimental_capabilities={CHANNEL: {}})
                await serve_loop(server, incoming, outgoing, lifespan_state={}, init_options=options)
        group.cancel_scope.cancel()  # only now: the last answer is out


async def _feed(service: Service, ctx: Context, wire: Wire) -> None:
    try:
        await channel.feed(service.call(ctx), wire)
    except TelexError:
        pass  # who calls cannot be told, or the store is away: each tool says so when it is called
