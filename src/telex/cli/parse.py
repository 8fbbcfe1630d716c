"""From words to values: the plain forms at once, everything else by argparse.

Rules kept here: argparse is the authority; `quick` takes only what it is sure of (exact option names, no help, no
mistakes) and otherwise says None, because importing argparse costs what a whole `send` may take; a test holds the
two against each other.
"""

from __future__ import annotations

from telex.cli.grammar import JSON, Verb
from telex.errors import Usage, WordsMissing

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


class Args:
    """The words of one call: `args.words["to"]`, `args.options["kind"]`, `args.flags`."""

    def __init__(self, words: dict[str, list[str]], options: dict[str, str], flags: set[str]) -> None:
        self.words = words
        self.options = options
        self.flags = flags

    def word(self, name: str) -> str:
        """One positional word, or ''."""
        found = self.words.get(name) or [""]
        return found[0]

    def option(self, name: str) -> str:
        """An option's value, or ''."""
        return self.options.get(name, "")

    def count(self, name: str, default: int, verb: str) -> int:
        """An option's value as a whole number of at least 1. Raises Usage."""
        text = self.option(name)
        if not text:
            return default
        if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text)):
            raise Usage(problem=f"--{name} takes a whole number from 1, not '{text[:20]}'", verb=verb)
        return int(text)


def parse(verb: Verb, given: list[str]) -> Args:
    """The values of a call. Raises Usage; prints help and raises SystemExit for --help."""
    return quick(verb, given) or by_argparse(verb, given)


def quick(verb: Verb, given: list[str]) -> Args | None:
    """The values where the call is plain; None where argparse should look at it."""
    known = {option.name: option for option in (*verb.options, JSON)}
    options: dict[str, str] = {}
    flags: set[str] = set()
    words: list[str] = []
    rest = iter(given)
    for token in rest:
        if token == "--":
            words += rest
        elif token.startswith("--"):
            name, equals, value = token[2:].partition("=")
            option = known.get(name)
            if option is None or (equals and not option.value):
                return None
            if not option.value:
                flags.add(name)
                continue
            found = value if equals else next(rest, None)
            if found is None or (not equals and found.startswith("-")):
                return None
            options[name] = found
        elif token.startswith("-") and len(token) > 1:
            return None
        else:
            words.append(token)
    placed = _place(verb, words)
    return Args(placed, options, flags) if placed is not None else None


def _place(verb: Verb, words: list[str]) -> dict[str, list[str]] | None:
    placed: dict[str, list[str]] = {}
    left = list(words)
    for word in verb.words:
        take = len(left) if word.many else min(1, len(left))
        if not take and not word.optional:
            return None
        placed[word.name], left = left[:take], left[take:]
    return None if left else placed


def parser(verb: Verb, behind: dict[str, str]) -> argparse.ArgumentParser:
    """The argparse parser of a verb; `behind` are words that stand for others."""
    import argparse

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> None:  # type: ignore[override]
            for stand_in, word in behind.items():
                message = message.replace(stand_in, word)
            missing = "arguments are required" in message and verb.words[0].name in ("to", "channel")
            raise (WordsMissing if missing else Usage)(problem=message, verb=verb.name)

    made = Parser(
        prog=f"telex {verb.name}",
        usage=verb.usage(),
        description=verb.summary,
        epilog=f"example: {verb.example}",
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for word in verb.words:
        nargs = {(True, True): "*", (True, False): "+", (False, True): "?"}.get((word.many, word.optional))
        made.add_argument(word.name, metavar=word.name.upper(), nargs=nargs, help=word.meaning)
    for option in (*verb.options, JSON):
        if option.value:
            made.add_argument(
                f"--{option.name}", metavar=option.value, dest=f"option:{option.name}", help=option.meaning
            )
        else:
            made.add_argument(f"--{option.name}", action="store_true", dest=f"flag:{option.name}", help=option.meaning)
    return made


def by_argparse(verb: Verb, given: list[str]) -> Args:
    """The values as argparse reads them. Raises Usage; prints help and raises SystemExit for --help."""
    end = given.index("--") if "--" in given else len(given)
    # argparse of Python 3.11 knows '--' only in some places: of the words behind it, it is shown what cannot be typed
    behind = {f"\0{number}\0": word for number, word in enumerate(given[end + 1 :])}
    found = vars(parser(verb, behind).parse_intermixed_args([*given[:end], *behind]))
    words: dict[str, list[str]] = {}
    for word in verb.words:
        value = found[word.name]
        listed: list[str] = value if isinstance(value, list) else [value] if value is not None else []
        words[word.name] = [behind.get(one, one) for one in listed]
    options = {name[7:]: value for name, value in found.items() if name.startswith("option:") and value is not None}
    flags = {name[5:] for name, value in found.items() if name.startswith("flag:") and value}
    return Args(words, options, flags)
