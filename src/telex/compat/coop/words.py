"""The words of a coop command: options anywhere, `--name value` or `--name=value`; after `--` all is text.

Rule kept here: what does not look like an option is text, so `-5 degrees` and `--- done ---` are.
"""

from __future__ import annotations

import re

from telex.core.record import Record
from telex.errors import Usage

_OPTION = re.compile(r"--([a-z][a-z-]*)(?:=(.*))?", re.DOTALL)


class Words(Record):
    """What was given."""

    texts: list[str]
    options: dict[str, str]
    flags: list[str]


def parse(verb: str, given: list[str], *, values: tuple[str, ...] = (), flags: tuple[str, ...] = ()) -> Words:
    """The words of one command that takes these options. Raises Usage."""
    found = Words(texts=[], options={}, flags=[])
    rest = iter(given)
    for token in rest:
        if token == "--":
            found.texts += rest
            break
        option = _OPTION.fullmatch(token)
        if option is None:
            found.texts.append(token)
            continue
        name, value = option[1], option[2]
        if name in flags and value is None:
            found.flags.append(name)
        elif name in values:
            value = next(rest, None) if value is None else value
            if value is None:
                raise Usage(problem=f"--{name} needs a value", verb=verb)
            found.options[name] = value
        else:
            raise Usage(
                problem=f"there is no option '{token[:40]}' here; text that looks like one comes after --", verb=verb
            )
    return found


def one_name(verb: str, given: list[str], *, needed: bool) -> str:
    """The one word of a command that takes a session's name and no option. Raises Usage."""
    texts = parse(verb, given).texts
    if len(texts) > 1 or (needed and not texts):
        raise Usage(problem="which session? give one name", verb=verb)
    return texts[0] if texts else ""
