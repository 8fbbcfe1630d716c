"""The optional parts of telex: which module belongs to which, and the command that brings one that is missing.

Rules kept here: only a module that an extra declares is explained; any other one that is missing is a fault of telex.
"""

from __future__ import annotations

import os
import sys

from telex.errors import ExtraMissing

MODULES = {
    "mcp": "mcp",
    "mcp_types": "mcp",
    "anyio": "mcp",
    "pydantic": "mcp",
    "msgspec": "team",
    "httpx2": "team",
    "nacl": "team",
    "spake2": "team",
    "starlette": "relay",
    "uvicorn": "relay",
    "httptools": "relay",
    "uvloop": "relay",
    "prometheus_client": "relay",
    "nats": "cluster",
    "nkeys": "cluster",
}
# A command needs all of its extra, whichever module of it is met first.
_BY_COMMAND = {("mcp", "relay"): "mcp", ("mcp", "team"): "mcp", ("relay", "team"): "relay"}


def missing(problem: ModuleNotFoundError, command: str) -> ExtraMissing | None:
    """The error for a module of an extra that is not installed, met by a command; None for any other module."""
    module = (problem.name or "").partition(".")[0]
    extra = MODULES.get(module)
    if extra is None:
        return None
    extra = _BY_COMMAND.get((command, extra), extra)
    return ExtraMissing(extra=extra, module=module, command=bringing(extra))


def require(extra: str) -> None:
    """Raises ExtraMissing where a module of that extra is not there. Loads none of them."""
    from importlib.util import find_spec

    for module in (one for one, needed_by in MODULES.items() if needed_by == extra):
        if find_spec(module) is None:
            raise ExtraMissing(extra=extra, module=module, command=bringing(extra))


def bringing(extra: str) -> str:
    """The command, typed in telex's checkout, that installs this telex with an extra, the way it was installed."""
    parts = sys.prefix.split(os.sep)
    if "uv" in parts and "tools" in parts:
        return f"uv tool install --reinstall '.[{extra}]'"
    if "pipx" in parts:
        return f"pipx install --force '.[{extra}]'"
    return f"{sys.executable} -m pip install '.[{extra}]'"
