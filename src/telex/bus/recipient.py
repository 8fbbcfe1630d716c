"""A recipient as a send sees it, and what its caller asked for."""

from __future__ import annotations

from telex.core import names
from telex.core.record import Record
from telex.errors import Refused
from telex.mail import addresses


class Recipient(Record):
    """One address that the message is for, and why it will not get it."""

    place: addresses.Address
    via: str
    refusal: Refused | None = None
    machine: str = ""  # the id of the machine that it is at; '' is this one


class Wanted(Record):
    """To whom, as it was written."""

    to: list[names.Target]
    strict: bool = False
    or_person: bool = False  # what is to all goes to the person while no session is here
    team: bool = False  # what is to all goes to the whole team
    keep: bool = False  # what is to a channel where nobody else is waits there, also where its sender is no member
    near: dict[str, str]  # for a name that nobody holds, or a machine that is not there, the one most like it
