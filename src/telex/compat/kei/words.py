"""The words of `kei message send`, read as kei's script read them.

Rules kept here: options stand anywhere; the words of the text are joined with single spaces; `@name`, and `all`
where no --to is given, are the recipient only in front of the text; after `--` all is text. `--file` and `--stdin`,
which kei did not have, count only in front of the text, so that no line that worked for kei changes its meaning.
"""

from __future__ import annotations

from telex.compat.kei.lines import ALL
from telex.core.record import Record
from telex.errors import Usage


class Sending(Record):
    """What a send asks for, as it was written."""

    to: str = ALL
    sender: str = ""  # --from
    body: str = ""
    path: str = ""  # --file
    piped: bool = False  # --stdin


def parse_send(words: list[str]) -> Sending:
    """The meaning of the words behind `send`. Raises Usage for an option without its value, and for a lone '@'."""
    said = Sending()
    everybody = False  # `all` was said in front of the text
    rest = iter(words)
    for word in rest:
        if word == "--":
            for one in rest:
                _add(said, one)
        elif word == "--to":
            said.to = value(word, next(rest, None))
        elif word == "--from":
            said.sender = value(word, next(rest, None))
        elif word == "--file" and not said.body:
            said.path = value(word, next(rest, None))
        elif word == "--stdin" and not said.body:
            said.piped = True
        elif said.body or said.to != ALL or everybody:
            _add(said, word)
        elif word.startswith("@"):
            said.to = _named(word)
        elif word == ALL and "--to" not in words:
            everybody = True
        else:
            _add(said, word)
    return said


def value(option: str, given: str | None) -> str:
    """What stands behind an option. Raises Usage where nothing does."""
    if not given:
        raise Usage(problem=f"{option} takes a {'path' if option == '--file' else 'name'}", verb="message")
    return given


def _named(word: str) -> str:
    """kei took a lone '@' for text and sent it to all: what was meant for one must not go to everybody."""
    if word == "@":
        raise Usage(problem="'@' names nobody; for a text that begins with it, put '--' in front", verb="message")
    return word[1:]


def _add(said: Sending, word: str) -> None:
    said.body = f"{said.body} {word}" if said.body else word
