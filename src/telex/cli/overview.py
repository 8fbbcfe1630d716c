"""`telex --help`: the commands by what they are for, and `telex help WORD`.

Rules kept here: every command stands in one section; the commands of older systems take one line, and a page of their
own; a word that is no command leads to the one that is meant.
"""

from __future__ import annotations

from telex.cli.grammar import BY_NAME, GROUPS, SECTIONS
from telex.cli.output import Output
from telex.errors import VerbUnknown

OLDER = "older"
_WIDTH = max(len(name) for names in SECTIONS.values() for name in names)
_STATUSES = (
    "0 done, 1 anything else, 2 wrong words, 3 refused, 4 not found, 5 nothing before the timeout, "
    "6 who was asked asks first, 7 done but the answer could not be written, 141 the reader of the output left"
)


def answer(words: list[str]) -> int:
    """`telex`, `telex --help`, and `telex help WORD` for a word that is no command. Raises VerbUnknown."""
    if words and words[0] == "help" and len(words) > 1 and not words[1].startswith("-"):
        return _help_with(words[1:])
    out = Output(False)
    out.line("telex: messages between coding-agent sessions")
    for section, names in SECTIONS.items():
        out.line()
        out.line(f"{section}:")
        for name in names:
            out.line(f"  {name.ljust(_WIDTH)}  {_summary(name)}")
    out.line()
    out.line("'telex VERB --help' shows its words and an example; every verb takes --json")
    out.line(f"'telex help {OLDER}' lists the commands of coop, kei and claude-ipc")
    out.line(f"exit status: {_STATUSES}")
    return 0


def unknown(word: str) -> VerbUnknown:
    """The error for a word that is no command, with the one that is nearest."""
    from telex.cli.other_words import lead
    from telex.core.names import nearest

    found = lead(word)
    near = "" if found else nearest(word, [*(name for name in BY_NAME if " " not in name), *GROUPS])
    advice = f"; did you mean '{near}'?" if near else ""
    return VerbUnknown(word=word[:40], advice=advice, hint=found or "'telex --help' lists them")


def _summary(name: str) -> str:
    return f"{GROUPS[name]}: 'telex {name}' lists them" if name in GROUPS else BY_NAME[name].summary


def _help_with(words: list[str]) -> int:
    from telex.cli.legacy import FACES
    from telex.cli.other_words import lead

    out = Output(False)
    if words == [OLDER]:
        out.line("commands that users of older systems know:")
        for face in FACES:
            out.line(f"  {face.names[0].ljust(_WIDTH)}  {face.summary}")
        return 0
    found = lead(words[0])
    if not found:
        raise unknown(words[0])
    out.line(f"telex has no command '{words[0]}': {found}")
    return 0
