"""Whether telex's home can be what a store needs, asked before anything is installed.

Rules kept here:
- the checks are those that every later command makes, so that nothing is connected which then refuses to work;
- nothing is written; a home that is not there yet is judged by the directory that it would be made in.
"""

from __future__ import annotations

import os

from telex.db.connection import check_home
from telex.errors import HomeUnsafe
from telex.fs.mounts import refuse_network

# The system's own directories (/tmp, /srv) are everybody's; so are those whose owner this user namespace cannot name.
_NO_PERSON = (0, (1 << 16) - 2)


def check(home: str) -> None:
    """Raises HomeUnsafe for a home that is, or would be, another user's, open to others, or on a network."""
    check_home(home)
    refuse_network(home)
    if not os.path.lexists(home):
        _refuse_anothers(home)


def _refuse_anothers(home: str) -> None:
    """By `sudo`, with the person's HOME, the home would be root's, and shut to the person."""
    above = os.path.dirname(home)
    while not os.path.isdir(above) and above != os.path.dirname(above):
        above = os.path.dirname(above)
    owner = os.stat(above).st_uid
    if hasattr(os, "geteuid") and owner not in (os.geteuid(), *_NO_PERSON):
        raise HomeUnsafe(
            home=home,
            problem=f"would be yours in {above}, which belongs to another user",
            advice=f"run it as that user; if you mean it so: mkdir -m 700 {home}",
        )


def is_noexec(directory: str) -> bool:
    """Whether no program can be started from that directory, whatever its mode."""
    try:
        return bool(os.statvfs(directory).f_flag & getattr(os, "ST_NOEXEC", 0))
    except OSError:
        return False
