"""telex: messages between coding-agent sessions.

`telex.open()` gives a `Bus`, whose methods are the verbs. Everything here is resolved on first use, because
the hook imports this package too and may not pay for what it does not need.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.bus import Bus as Bus
    from telex.errors import TelexError as TelexError
    from telex.wiring import open_bus as open

__version__ = "0.1.0"
__all__ = ["Bus", "TelexError", "__version__", "open"]

_HOMES = {
    "open": ("telex.wiring", "open_bus"),
    "Bus": ("telex.bus", "Bus"),
    "TelexError": ("telex.errors", "TelexError"),
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'telex' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)
