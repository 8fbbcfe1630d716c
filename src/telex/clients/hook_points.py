"""What a client offers: at which moment, by which door, since which version; and when that was last seen to work.

Rules kept here:
- each adapter says its own rows (`Client.moments`), what it cannot do too: a row without a door says why;
- each row has a test that proves it with the real program (tests/clients/proofs.py). A row without one is no row;
- where mail is handed over, the row names the hook point whose rule (core/evidence.py) says which later event proves
  that a model request carried it;
- `since` is the oldest version with which this was seen to work, not one that a changelog names;
- files/tested.json says with which version and when every row of a client was last proved. Only
  tests/clients/run.sh writes it, after a run in which each of those tests passed.
"""

from __future__ import annotations

import os

from telex.clients.types import Moment
from telex.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.clients.types import Client

START, PROMPT, TOOL, STOP, IDLE = "session start", "next prompt", "between tool calls", "end of turn", "idle"
MAIL = (START, PROMPT, TOOL, STOP, IDLE)  # at which a session can be given its mail
APPROVAL, END = "waiting for approval", "end"  # at which telex only takes note
TESTED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "adapters", "files", "tested.json")


class Tested(Record):
    """The last run with the real program in which every row of its client was proved."""

    version: str = ""  # of the client; empty for never
    date: str = ""  # YYYY-MM-DD


class Capability(Record):
    """One client and all that it offers."""

    client: str
    title: str  # the name its maker gives it
    tested: str  # the version with which every moment was last proved; empty for never
    date: str  # of that run
    moments: list[Moment]


def capability(of: Client) -> Capability:
    """What a client offers, and when that was last proved."""
    last = tested().get(of.name, Tested())
    return Capability(client=of.name, title=of.title, tested=last.version, date=last.date, moments=list(of.moments))


def tested() -> dict[str, Tested]:
    """By client, the last run that proved all of its rows."""
    import json

    with open(TESTED, encoding="utf-8") as file:
        return {name: Tested(**last) for name, last in json.load(file).items()}


def mail_at(one: Capability) -> str:
    """The moments at which a client is handed mail, and the one at which it cannot, in a line."""
    doors = {moment.when for moment in one.moments if moment.handing}
    words = ", ".join(when for when in MAIL if when in doors)
    return words if IDLE in doors else f"{words}; never while idle"


def last_seen(one: Capability) -> str:
    """With which version all of it was last seen to work, in words."""
    return f"{one.tested} on {one.date}" if one.tested else "not tested"
