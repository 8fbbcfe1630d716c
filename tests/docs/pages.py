"""Reading the documentation as its readers do: blocks, links, headings, commands.

Rules kept here: a page is a text; what is found comes with the line it stands on, so that a failure names it.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SHELLS = ("sh", "console", "bash")

_FENCE = re.compile(r"^(`{3,}|~{3,})\s*(\w*)")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]*(?:\([^()]*\))?[^()\s]*)\)")
_SPAN = re.compile(r"(`+)(.+?)\1")
_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")
_KEYWORDS = ("if", "then", "else", "elif", "do", "while", "until", "!", "time", "exec")
_PUNCTUATION = frozenset("();<>|&")


class Block(NamedTuple):
    """A fenced block."""

    kind: str
    line: int
    text: str


def pages() -> list[Path]:
    """Every page that people read, generated ones too."""
    skills = (ROOT / "src" / "telex" / "clients" / "adapters" / "files").rglob("*.md")
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *skills])


def name(path: Path) -> str:
    """A page's path in the repository."""
    return path.relative_to(ROOT).as_posix()


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page."""
    found = []
    fence, kind, start = "", "", 0
    held: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        match = _FENCE.match(line.strip())
        if match and not fence:
            fence, kind, start, held = match[1], match[2], number + 1, []
        elif fence and line.strip() == fence:
            found.append(Block(kind, start, "\n".join(held)))
            fence = ""
        elif fence:
            held.append(line)
    return found


def prose(text: str) -> list[tuple[int, str]]:
    """The lines outside of fenced blocks, numbered."""
    inside = {number for one in blocks(text) for number in range(one.line - 1, one.line + one.text.count("\n") + 2)}
    return [(number, line) for number, line in enumerate(text.split("\n"), 1) if number not in inside]


def spans(text: str) -> list[tuple[int, str]]:
    """The inline code of a page."""
    return [(number, match[2].strip()) for number, line in prose(text) for match in _SPAN.finditer(line)]


def links(text: str) -> list[tuple[int, str]]:
    """The targets of the links of a page, those in code left out."""
    return [(number, match[1]) for number, line in prose(text) for match in _LINK.finditer(_SPAN.sub("``", line))]


def anchors(text: str) -> set[str]:
    """What can stand behind a '#' in a link to this page, as GitHub makes it."""
    found: Counter[str] = Counter()
    made = set()
    for _, line in prose(text):
        if match := _HEADING.match(line):
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match[2]).replace("`", "").lower()
            slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
            made.add(f"{slug}-{found[slug]}" if found[slug] else slug)
            found[slug] += 1
    return made


def broken_links(path: Path, text: str, root: Path) -> list[str]:
    """Relative links that lead nowhere, and anchors that are no heading."""
    found = []
    for number, target in links(text):
        if "://" in target or target.startswith("mailto:"):
            continue
        page, _, anchor = target.partition("#")
        other = (path.parent / page).resolve() if page else path
        if page and not (other.is_relative_to(root) and other.exists()):
            found.append(f"line {number}: {target}")
        elif anchor and anchor not in anchors(other.read_text(encoding="utf-8") if page else text):
            found.append(f"line {number}: {target} (no such heading)")
    return found


def commands(text: str) -> Iterator[tuple[int, list[str]]]:
    """Every `telex …` of a page: the words of one command each, with the line it stands on."""
    for block in blocks(text):
        if block.kind in SHELLS:
            for number, line in _shell_lines(block):
                for words in simple_commands(line):
                    yield number, words
    for number, span in spans(text):
        if span.startswith("telex ") and not span.startswith("telex VERB"):
            yield from ((number, words) for words in simple_commands(span))


def _shell_lines(block: Block) -> Iterator[tuple[int, str]]:
    line, start = "", block.line
    for number, written in enumerate(block.text.split("\n"), block.line):
        if not line:
            start = number
        line += written
        if line.endswith("\\"):
            line = line[:-1] + " "
            continue
        if block.kind != "console":
            yield start, line
        elif line.startswith("$ "):
            yield start, line[2:]
        line = ""


def simple_commands(line: str) -> list[list[str]]:
    """The telex commands in a line of shell, as their words reach the program."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found: list[list[str]] = []
    words: list[str] = []
    tokens = list(lexer)
    for at, token in enumerate(tokens):
        if token and _PUNCTUATION.issuperset(token):
            if not set(token) & {"<", ">"}:
                found.append(words)
                words = []
        elif at and set(tokens[at - 1]) & {"<", ">"} and _PUNCTUATION.issuperset(tokens[at - 1]):
            continue
        elif words or not (token in _KEYWORDS or re.fullmatch(r"[A-Za-z_]\w*=.*", token)):
            words.append(token)
    found.append(words)
    return [words for words in found if words and words[0] == "telex"]
