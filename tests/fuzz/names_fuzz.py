"""Hostile words as names and targets, judged by a grammar that shares no code with telex's.

    .venv/bin/python -m tests.fuzz.names_fuzz --cases 1000000 --seed 1

prints how many cases ran and how many went wrong. A case is one word: it is a name of the grammar, or it is refused
with NameInvalid, NameReserved or Usage and nothing else; what is taken comes back exactly; what is mended is a name.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections.abc import Callable, Iterator

from telex.core import names
from telex.errors import TelexError
from telex.fs import bells

# --- the cases --------------------------------------------------------------------------------------------

PLAIN = "abcdefghijklmnopqrstuvwxyz0123456789"
GOOD = PLAIN + "._-"
WORDS = (
    *("all", "telex", "system", "me", "frontend", "api-2", "a", "0", "feature-auth", "x" * 63, "y" * 64, "z" * 65),
    *("ALL", "Telex", "SyStEm", "Me", "FrontEnd", "@all", "#all", "@me", "##x", "@@x", "all,all", "@a,#b,all"),
    *("frontend@alice-laptop", "@A@B", "@a@", "@a@b@c", "#a@b", "me@x", "@a@b,@a"),
    *("../../../../tmp/telex-planted", "/tmp/telex-planted", "..", ".", "./x", "~/x", "C:\\x", "CON", "nul.txt"),
    *("a/b", "a\\b", "a\0b", "%2e%2e%2f", "$(touch telex-planted)", "`id`", "a;b", "a|b", "a b", "a\tb", "a\nb"),
    *("-rf", "--help", "-", "_", ".hidden", "trailing.", "a..b", "telex.db", "telex.db-wal", "write.lock", "*", "?"),
    *(
        "admin",
        "аdmin",
        "ａｄｍｉｎ",
        "adm\u0131n",
        "\u212ailo",
        "\u017fystem",
        "system\u200b",
        "\u202emetsys",
        "te\u00adlex",
    ),
    *("all\ufe0f", "\U000e0061ll", "me\u0301", "ﬁle", "ß", "İ", "日本", "שלום", "🏳️‍🌈", "\ud800", "\udcff", "x\udcfe"),
    *("h-person", "person", "70f7a1c2-0000-4000-8000-000000000000", "'; DROP TABLE address; --", '"', "{0}", "{name}"),
)
JOINERS = ("", "-", ".", "_", ",", "@", "#", "/", " ", "\n", "\0", "\u200b", "..", "%", "=")
STRANGE = (
    "\u0430\u0435\u043e\u0440\u0441\u0445\u0456\u03bf\u2010\u2011\u2012\u2024\u3002\uff0e\uff0d\u02d7\u0660\u00b2\ud83d"
)


def hostile(rng: random.Random) -> str:
    """A word that somebody might try."""
    way = rng.randrange(8)
    if way == 0:
        return "".join(rng.choices(GOOD, k=rng.randrange(70)))
    if way == 1:
        return rng.choice(WORDS)
    if way == 2:
        return rng.choice(WORDS) + rng.choice(JOINERS) + rng.choice(WORDS)
    if way == 3:
        return "".join(chr(rng.randrange(0x110000)) for _ in range(rng.randrange(8)))
    if way == 4:
        word = list(rng.choice(WORDS)) or ["a"]
        word[rng.randrange(len(word))] = rng.choice(STRANGE)
        return "".join(word)
    if way == 5:
        return "".join(rng.choice((str.upper, str.lower, str.title, str.swapcase))(char) for char in rng.choice(WORDS))
    if way == 6:
        return "".join(chr(rng.randrange(256)) for _ in range(rng.randrange(80)))
    return rng.choice("@#") + "".join(rng.choices(GOOD + GOOD.upper(), k=rng.randrange(1, 68)))


# --- the judge --------------------------------------------------------------------------------------------

GRAMMAR = re.compile("[a-z0-9][a-z0-9._-]{0,63}")
LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
RESERVED = {"all", "telex", "system", "me"}


def _outcome(act: Callable[[str], object], word: str) -> tuple[object, str]:
    """(what it answered, '') or (None, the error's name)."""
    try:
        return act(word), ""
    except TelexError as problem:
        message = problem.message + problem.advice
        assert message.isprintable(), f"an error shows {message!a}"
        assert len(message) < 1_000, f"an error of {len(message)} characters"
        return None, type(problem).__name__


def _name(word: str) -> str:
    """The name that a word means by the grammar, or ''."""
    folded = word.lower() if word.isascii() else word.translate(LOWER)
    return folded if GRAMMAR.fullmatch(folded) else ""


def _folded(word: str) -> tuple[object, str]:
    return (_name(word), "") if _name(word) else (None, "NameInvalid")


def _own(word: str) -> tuple[object, str]:
    name = _name(word.removeprefix("@"))
    if not name:
        return None, "NameInvalid"
    return (None, "NameReserved") if name in RESERVED else (name, "")


def _target(word: str) -> tuple[object, str]:
    """What a word addresses, as it is written."""
    if word.translate(LOWER) in ("all", "@all"):
        return "all", ""
    sign = "#" if word.startswith("#") else "@"
    rest = word[1:] if word.startswith(("#", "@")) else word
    parts = rest.split("@") if sign == "@" else [rest]  # a name, or a name and its machine
    found = [_name(part) for part in parts]
    good = len(parts) <= 2 and all(found)
    return (sign + "@".join(found), "") if good else (None, "NameInvalid")


def _targets(word: str) -> tuple[object, str]:
    parts = [part.strip() for part in word.split(",")]
    found = [_target(part) for part in parts if part]
    if any(problem for _, problem in found):
        return None, "NameInvalid"
    each = list(dict.fromkeys(written for written, _ in found))
    return (each, "") if 0 < len(each) <= 64 else (None, "Usage")


def _fold(word: str) -> object:
    return names.fold(word)


def _fold_own(word: str) -> object:
    return names.fold_own(word)


def _written(word: str) -> object:
    return names.parse_target(word).written()


def _all_written(word: str) -> object:
    return [one.written() for one in names.parse_targets(word)]


JUDGED: dict[str, tuple[Callable[[str], object], Callable[[str], tuple[object, str]]]] = {
    "fold": (_fold, _folded),
    "fold_own": (_fold_own, _own),
    "parse_target": (_written, _target),
    "parse_targets": (_all_written, _targets),
}


def complaints(word: str, number: int) -> Iterator[str]:
    """Everything that is wrong with how a word is taken."""
    if names.is_name(word) != bool(GRAMMAR.fullmatch(word)):
        yield "is_name"
    for what, (act, judge) in JUDGED.items():
        found, expected = _outcome(act, word), judge(word)
        if found != expected:
            yield f"{what}: {found}, not {expected}"
        elif what != "parse_targets" and not found[1] and _outcome(act, str(found[0])) != found:
            yield f"{what}: {found[0]!r} does not come back"
    yield from _mended(word, number)
    bell = bells.bell_name(word.encode("utf-8", "replace").decode())
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9-]{0,63}", bell):
        yield f"bell {bell!r}"


def _mended(word: str, number: int) -> Iterator[str]:
    slug = names.slug(word)
    if not GRAMMAR.fullmatch(slug) or slug in RESERVED:
        yield f"slug {slug!r}"
    if names.slug(slug) != slug:
        yield f"slug {slug!r} is mended again"
    folded = _name(word)
    plain = folded and folded not in RESERVED and not re.search("--|[._-]$", folded)
    if plain and slug != folded:
        yield f"slug {slug!r} changes a good name"
    first, second = names.twin(slug, number), names.twin(slug, number + 1)
    if first == second or not GRAMMAR.fullmatch(first) or not GRAMMAR.fullmatch(second):
        yield f"twins {first!r} {second!r}"
    if names.twin(slug, 1) != slug:
        yield f"the first twin of {slug!r}"


def check(seed: int, number: int) -> list[str]:
    """The complaints about one case."""
    rng = random.Random(seed << 32 | number)
    word = hostile(rng)
    try:
        wrong = list(complaints(word, rng.randrange(1, 999)))
    except Exception as problem:
        wrong = [f"{type(problem).__name__}: {problem}"]
    return [f"seed {seed} case {number} {ascii(word)[:100]}: {what[:300]}" for what in wrong]


def run(cases: int, seed: int, most: int = 20) -> tuple[int, list[str]]:
    """How many cases ran, and what was wrong; stops after `most` complaints."""
    wrong: list[str] = []
    for number in range(cases):
        wrong += check(seed, number)
        if len(wrong) >= most:
            return number + 1, wrong
    return cases, wrong


def main() -> int:
    """Run as a program; exit status 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    count, wrong = run(options.cases, options.seed)
    for line in wrong:
        print(ascii(line))
    print(f"{count} cases, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
