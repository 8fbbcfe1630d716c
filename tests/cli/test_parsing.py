"""The quick parser and argparse read every call alike, or the quick one leaves it to argparse."""

from __future__ import annotations

import contextlib
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from telex.cli import parse
from telex.cli.grammar import BY_NAME, JSON, SECTIONS, VERBS, Verb, verb_of
from telex.errors import Usage, WrongWords

Values = tuple[dict[str, list[str]], dict[str, str], set[str]]

WORDS = st.sampled_from(
    [
        "@api",
        "#team",
        "all",
        "hello",
        "two words",
        "",
        "-",
        "m42",
        "-5",
        "-x",
        "--",
        "--nope",
        "ümlaut",
        "日本",
        "a=b",
        "--=x",
    ]
)


def values(args: parse.Args) -> Values:
    """What a call means."""
    return args.words, args.options, args.flags


def by_argparse(verb: Verb, given: list[str]) -> Values | None:
    """What argparse makes of it; None for a refusal or a help page.

    It is shown no `--`, whose meaning argparse of Python 3.11 knows only in some places: what stands behind is a word.
    """
    end = given.index("--") if "--" in given else len(given)
    behind = {f"word-{number}-behind": word for number, word in enumerate(given[end + 1 :])}
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            words, options, flags = values(parse.by_argparse(verb, given[:end] + list(behind)))
        except (WrongWords, SystemExit):
            return None
    return {name: [behind.get(word, word) for word in found] for name, found in words.items()}, options, flags


@st.composite
def calls(draw: st.DrawFn) -> tuple[Verb, list[str]]:
    """A verb with words and options in any order, most of them its own."""
    verb = draw(st.sampled_from(VERBS))
    tokens: list[str] = []
    for _ in range(draw(st.integers(0, 6))):
        option = draw(st.sampled_from((*verb.options, JSON, None)))
        if option is None or draw(st.integers(0, 2)) == 0:
            tokens.append(draw(WORDS | st.text(max_size=4)))
        elif not option.value:
            tokens.append(f"--{option.name}{draw(st.sampled_from(['', '', '', '=x', '-']))}")
        elif draw(st.booleans()):
            value = draw(WORDS)  # argparse of Python 3.11 makes an empty list of `--limit=--`
            tokens.append(f"--{option.name}={'-' if value == '--' else value}")
        else:
            tokens += [f"--{option.name}", *([draw(WORDS)] if draw(st.integers(0, 4)) else [])]
    return verb, tokens


@settings(max_examples=800, deadline=None)
@given(calls())
@example((BY_NAME["send"], ["@api", "--", "--kind", "note"]))
@example((BY_NAME["send"], ["--", "@api", "-x"]))
@example((BY_NAME["send"], ["@api", "--kind", "note", "--kind", "ack", "hello"]))
@example((BY_NAME["send"], ["@api", "--data", '{"a": 1}', "hello", "--json"]))
@example((BY_NAME["send"], ["@api", "hello", "--", "--"]))
@example((BY_NAME["config"], ["keep_days", "--json", "30"]))
@example((BY_NAME["read"], []))
@example((BY_NAME["read"], ["--"]))
@example((BY_NAME["done"], ["m1", "--json", "m2"]))
def test_both_parsers_read_a_call_alike(call: tuple[Verb, list[str]]) -> None:
    verb, given = call
    quick = parse.quick(verb, given)
    if quick is not None:
        assert values(quick) == by_argparse(verb, given), f"telex {verb.name} {given}"


@settings(max_examples=300, deadline=None)
@given(calls())
def test_every_call_is_read_or_refused_in_words(call: tuple[Verb, list[str]]) -> None:
    verb, given = call
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            parse.parse(verb, given)
    except WrongWords as problem:
        assert problem.status == 2
        assert f"telex {verb.name} --help" in problem.advice
    except SystemExit as leaving:
        assert leaving.code == 0
        assert any(word in ("-h", "--help") or word.startswith("-h") for word in given)


PLAIN = [
    ("send", ["@api", "hello"]),
    ("send", ["@api", "hello", "--kind", "request", "--deadline", "10m", "--json"]),
    ("send", ["@api", "--data={}", "two words"]),
    ("send", ["@api", "--", "-5 degrees", "--kind"]),
    ("reply", ["m42", "port 5173"]),
    ("ask", ["@api", "which?", "--timeout", "5m"]),
    ("inbox", []),
    ("inbox", ["--all", "--limit", "3"]),
    ("read", ["m1", "m2"]),
    ("wait", ["--from", "@api"]),
    ("done", ["m1"]),
    ("who", ["--json"]),
]


@pytest.mark.parametrize(("verb", "given"), PLAIN)
def test_the_plain_calls_never_need_argparse(verb: str, given: list[str]) -> None:
    assert parse.quick(BY_NAME[verb], given) is not None


@pytest.mark.parametrize(
    ("verb", "given", "words"),
    [
        ("send", ["@api", "-5"], {"to": ["@api"], "text": ["-5"]}),
        ("send", ["@api", "-5 degrees"], {"to": ["@api"], "text": ["-5 degrees"]}),
        ("send", ["@api", "--- a rule"], {"to": ["@api"], "text": ["--- a rule"]}),
        ("send", ["@api", "--", "-rf", "--json"], {"to": ["@api"], "text": ["-rf", "--json"]}),
        ("send", ["@api", "-"], {"to": ["@api"], "text": ["-"]}),
    ],
)
def test_a_text_may_begin_with_a_dash(verb: str, given: list[str], words: dict[str, list[str]]) -> None:
    found = parse.parse(BY_NAME[verb], given)
    assert (found.words, found.flags) == (words, set())


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_the_example_of_every_verb_is_a_call_that_is_read(verb: Verb) -> None:
    import shlex

    program, *words = shlex.split(verb.example.partition(" > ")[0], comments=True)
    found, rest = verb_of(words)
    assert (program, found) == ("telex", verb)
    parse.parse(verb, rest)


def test_no_option_is_shortened() -> None:
    with pytest.raises(Usage):
        parse.parse(BY_NAME["send"], ["@api", "hello", "--js"])


@pytest.mark.parametrize(("text", "count"), [("", 20), ("1", 1), ("007", 7), ("999999999", 999_999_999)])
def test_a_count_is_a_whole_number(text: str, count: int) -> None:
    assert parse.Args({}, {"limit": text}, set()).count("limit", 20, "inbox") == count


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", " 1", "٣", "²", "1" * 10, "9" * 5_000])
def test_anything_else_is_no_count(text: str) -> None:
    with pytest.raises(Usage, match="takes a whole number from 1"):
        parse.Args({}, {"limit": text}, set()).count("limit", 20, "inbox")


def test_every_command_stands_in_one_section_of_the_help() -> None:
    shown = [name for names in SECTIONS.values() for name in names]
    assert sorted(shown) == sorted({verb.name.split()[0] for verb in VERBS})
