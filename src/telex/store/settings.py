"""The settings in force, read from the store and the environment.

Rule kept here: a setting is looked up when it is needed, never remembered, so that a change reaches every
process at its next write.
"""

from __future__ import annotations

import os

from telex.config import Settings, checked
from telex.store.sqlite import Store


def load(db: Store) -> Settings:
    """Every setting with its source."""
    return Settings(dict(db.rows("settings.all")), os.environ)


def change(db: Store, name: str, value: str | None) -> None:
    """Set one, or with None take it back to its default. Raises SettingUnknown, SettingInvalid."""
    text = checked(name, value) if value is not None else checked(name, str(getattr(load(db), name, "")))
    with db.write():
        if value is None:
            db.run("settings.unset", name)
        else:
            db.run("settings.set", name, text)
