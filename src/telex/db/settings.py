"""The settings in force, read from the store and the environment.

Rules kept here: a setting is looked up when it is needed, never remembered, so that a change reaches every
process at its next write; the environment counts whole only in a process that is known to be the person's own
(`Store.persons`); everywhere else (an agent's commands, hooks, the link) it can only tighten.
"""

from __future__ import annotations

import os

from telex.config import Settings, checked
from telex.db.connection import Store


def load(db: Store) -> Settings:
    """Every setting with its source."""
    return Settings(dict(db.rows("settings.all")), os.environ, tightens=not db.persons)


def change(db: Store, name: str, value: str | None) -> None:
    """Set one, or with None take it back to its default. Raises SettingUnknown, SettingInvalid."""
    text = checked(name, value) if value is not None else checked(name, str(getattr(load(db), name, "")))
    with db.write():
        if value is None:
            db.run("settings.unset", name)
        else:
            db.run("settings.set", name, text)
