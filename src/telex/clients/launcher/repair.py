"""Launchers that start nothing any more are written anew by whichever telex still runs.

Rules kept here:
- whether that is needed costs a few looks at files, and no module besides this one: every command asks that was not
  itself started by a launcher;
- only what is broken is written, and only in telex's own home: the lines in settings stay as they are;
- where it cannot be done (a sandbox, a full disk) the command says so and goes on.
"""

from __future__ import annotations

import os
import re
import sys

_VERSION = re.compile(r"python(\d+\.\d+)")


def fault(home: str) -> str:
    """In words: why the installed hooks cannot start; empty where they can, or where none were installed."""
    try:
        names, listed = _lines(f"{home}/bin/interpreters"), _lines(f"{home}/bin/packages")
    except OSError:
        return ""
    packages = [line.partition(" ")[::2] for line in listed]
    if not any(_starts(name, [version for version, _ in packages]) for name in names):
        return f"the Python that the hooks start is gone: {names[0] if names else 'none is listed'}"
    if not any(os.path.exists(f"{package}/__init__.py") for _, package in packages):
        return f"the telex that the hooks start is gone: {packages[0][1] if packages else 'none is listed'}"
    return ""


def _lines(path: str) -> list[str]:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read().split("\n")[:-1]


def _starts(python: str, versions: list[str]) -> bool:
    """Whether it is there, and not by now another version than telex was installed for."""
    now = _VERSION.fullmatch(os.path.basename(os.path.realpath(python)))
    return os.access(python, os.X_OK) and (now is None or now[1] in versions)


def at_start(home: str) -> str:
    """For a command: mend what is broken; one line that says what was done or has to be, empty where all is well.
    Never fails."""
    if sys.flags.isolated and sys.flags.no_site:  # a launcher started this process, so it starts
        return ""
    why = fault(home)
    if not why:
        return ""
    try:
        mend(home)
    except Exception as problem:
        return f"{why}\nhint: run 'telex install'; telex could not mend it itself: {problem}"
    return f"{why}; the launchers were written anew, for this one"


def mend(home: str) -> None:
    """Write the launchers for the running telex. Raises SettingsUnreadable, SettingsUnwritable."""
    from telex.clients.installer.install import locked
    from telex.clients.installer.transaction import Batch
    from telex.clients.launcher import interpreters, launchers

    launch = launchers.this_launch()
    with locked(home):
        if fault(home) or not os.access(_lines(interpreters.path(home))[0], os.X_OK):
            batch = Batch()
            launchers.stage(batch, home, launch)
            batch.commit()
    launchers.compile_package(launch, home)
