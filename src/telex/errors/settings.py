"""The errors of installing: a client's settings that cannot be read or written, or that hold telex already.

Rules kept here: those of `telex.errors`, of which this is the part that only `telex.clients` and its commands need.
"""

from __future__ import annotations

from telex.errors import Refused, StoreFault, WrongWords


class SettingsUnreadable(StoreFault):
    """A client's settings file cannot be read, or not safely; telex will not touch it."""

    code = "settings-unreadable"
    text = "cannot read {path}: {problem}"
    hint = "telex leaves it as it is; mend it and run the command again"


class SettingsNotJson(SettingsUnreadable):
    """A client's settings file is not plain JSON; telex will not touch it."""

    code = "settings-not-json"
    text = "cannot read {path} as JSON: {problem}"
    hint = "telex leaves it as it is; mend it (JSON has no comments) and run the command again"


class SettingsNotJsonc(SettingsNotJson):
    """The settings file of a client that reads comments in it is not JSON otherwise; telex will not touch it."""

    code = "settings-not-jsonc"
    hint = "telex leaves it as it is; mend it (comments may stay) and run the command again"


class SettingsNotToml(SettingsUnreadable):
    """A client's settings file is not TOML, or not of a form that telex can edit; telex will not touch it."""

    code = "settings-not-toml"
    text = "cannot read {path} as TOML: {problem}"
    hint = "telex leaves it as it is; mend it and run the command again"


class BothForms(Refused):
    """Claude Code would have telex as a plugin and in its settings at once, and run every line twice."""

    code = "both-forms"
    text = "telex is in Claude Code {there}: {asked} too, every line would run twice"
    hint = "take it out there first: 'telex uninstall claude', for a project in its directory with --scope project"


class SettingsUnwritable(StoreFault):
    """A client's settings file cannot be written."""

    code = "settings-unwritable"
    text = "cannot write {path}: {problem}"
    hint = "nothing was changed"


class SettingsReadOnly(SettingsUnwritable):
    """A client's settings file is read-only, as one that a settings generator made."""

    code = "settings-read-only"
    hint = "nothing was changed; if a generator (Nix) writes it: 'telex install CLIENT --print' prints what to add"


class SettingsChanged(SettingsUnwritable):
    """A client's settings file was changed by another program again and again while telex was about to write it."""

    code = "settings-changed"
    hint = "nothing was changed; run the command again"


class NobodyToAsk(WrongWords):
    """A command that asks before it writes has no terminal to ask at, and was not told `--yes`."""

    code = "nobody-to-ask"
    text = "nothing was written: there is no terminal to ask at"
    hint = "'telex install --yes' writes it, 'telex install --dry-run' shows it"
