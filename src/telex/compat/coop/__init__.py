"""coop's command line: `telex session`, `telex hook`, `telex coop`. A coop session is a telex channel.

Rules kept here: no state of its own, the active session is what the bus answers; a message that nobody would get is
refused, never called sent; what coop's servers did (login, keys, teams) is answered in a line and needs nothing.
"""

from __future__ import annotations

from telex.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.cli.call import Call

_LOGIN = "There is nothing to log in to: on one machine telex has no accounts and no keys."
_INIT = "telex needs no key. 'telex session join NAME' enters a session."
_LISTED = "init, join, leave, list, send or poll"


def coop(call: Call) -> int:
    """`telex coop session|hook|login|init …`"""
    word = _first(call, "coop", "session, hook, login or init")
    if word == "session":
        return session(call)
    if word == "hook":
        return hook(call)
    if word not in ("login", "init"):
        raise Usage(problem=f"coop has no command '{word[:20]}'", verb="coop")
    call.out.line(_LOGIN if word == "login" else _INIT)
    return 0


def session(call: Call) -> int:
    """`telex session init|join|leave|list|send|poll …`"""
    from telex.compat.coop import hooks, polling, sessions

    word = _first(call, "session", _LISTED)
    if word == "poll" and polling.is_hook(call.words):
        return polling.answer_hook(call)
    if _asks_help(call, "session"):
        return 0
    if word in ("init", "join"):
        sessions.join(call)
        hooks.connect(call)
    elif word == "leave":
        sessions.leave(call)
    elif word == "list":
        sessions.listing(call)
    elif word == "send":
        sessions.send(call)
    elif word == "poll":
        polling.poll(call)
    else:
        raise Usage(problem=f"a session has no command '{word[:20]}'; it has {_LISTED}", verb="session")
    return 0


def hook(call: Call) -> int:
    """`telex hook install|status|uninstall`"""
    from telex.compat.coop import hooks

    word = _first(call, "hook", "install, status or uninstall")
    if _asks_help(call, "hook"):
        return 0
    if word == "install":
        hooks.install(call)
    elif word == "status":
        hooks.status(call)
    elif word == "uninstall":
        hooks.uninstall(call)
    else:
        raise Usage(problem=f"a hook has no command '{word[:20]}'; it has install, status and uninstall", verb="hook")
    return 0


def _first(call: Call, verb: str, listed: str) -> str:
    """Take the first word off the call. Raises Usage."""
    if not call.words:
        raise Usage(problem=f"what? {listed}", verb=verb)
    first, *call.words = call.words
    return first


def _asks_help(call: Call, verb: str) -> bool:
    asks = call.words[:1] in (["--help"], ["-h"])
    if asks:
        call.out.line(f"see 'telex {verb} --help'")
    return asks
