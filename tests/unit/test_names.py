"""Names and targets: the grammar, folding, mending, twins, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telex import limits
from telex.core import names
from telex.core.names import Target
from telex.errors import NameInvalid, NameReserved, Usage

LONGEST = "n" * limits.NAME_CHARS


# --- the grammar ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "7", "api", "a.b_c-d", "0day", "a--b", "a...", LONGEST])
def test_a_name_in_the_grammar_is_taken_as_it_is(name: str) -> None:
    assert names.is_name(name)
    assert names.fold(name) == name


@pytest.mark.parametrize(
    "text",
    [
        *("", "-a", ".a", "_a", "a b", "a\n", "a/b", "../x", "a\\b", "a:b", "a@b", "#a", "@a", "a,b", "~", "CON:"),
        *("a\0", "a\x1b[m", "é", "naïve", "日本", LONGEST + "n", " a", "a ", "a\u2028"),
    ],
)
def test_what_is_outside_the_grammar_is_refused(text: str) -> None:
    assert not names.is_name(text)
    with pytest.raises(NameInvalid):
        names.fold(text)


@pytest.mark.parametrize(("typed", "name"), [("API", "api"), ("Front-End.2", "front-end.2"), ("Z_9", "z_9")])
def test_ascii_capitals_are_folded(typed: str, name: str) -> None:
    assert not names.is_name(typed)
    assert names.fold(typed) == name


@pytest.mark.parametrize(
    "look_alike",
    [
        "\u0430pi",  # Cyrillic a
        "ap\u0131",  # dotless i
        "a\u03c1i",  # Greek rho
        "\uff41pi",  # full-width a
        "\u212aey",  # the Kelvin sign, which lower() makes a k
        "\u0130d",  # I with a dot, which lower() makes two characters
        "\u017fys",  # long s, which casefold() makes an s
        "a\u0301pi",  # a combining accent
        "api\u200b",  # a zero-width space
        "a\u00adpi",  # a soft hyphen
        "\u202eipa",  # right to left
        "a\u2010b",  # another hyphen
        "api\ufe0f",  # a variation selector
        "api\U000e0041",  # a tag character
        "\u0661",  # an Arabic digit one
        "\u00b2",  # a superscript two
        "\udcff",  # a byte that was no UTF-8
    ],
)
def test_a_look_alike_or_hidden_character_is_refused_and_shown_in_ascii(look_alike: str) -> None:
    with pytest.raises(NameInvalid) as refused:
        names.fold(look_alike)
    assert refused.value.message.isascii()
    assert refused.value.message.isprintable()


def test_a_refused_name_comes_with_the_nearest_that_would_do() -> None:
    with pytest.raises(NameInvalid) as refused:
        names.fold("My Project!")
    assert refused.value.advice == "did you mean my-project?"
    with pytest.raises(NameInvalid) as refused:
        names.fold("日本")
    assert refused.value.advice == "try letters and digits"


def test_an_endless_name_is_not_repeated_whole() -> None:
    with pytest.raises(NameInvalid) as refused:
        names.fold("x" * 100_000)
    assert len(refused.value.message) < 250


# --- one's own name ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [*names.RESERVED, "ALL", "@telex", "Me", "@SYSTEM"])
def test_a_reserved_name_is_nobodys(text: str) -> None:
    with pytest.raises(NameReserved):
        names.fold_own(text)


@pytest.mark.parametrize("text", ["api", "@api", "API", "@Api"])
def test_ones_own_name_may_be_written_with_its_sign(text: str) -> None:
    assert names.fold_own(text) == "api"


@pytest.mark.parametrize("text", ["@@api", "@", "#api", "@ api"])
def test_one_sign_is_enough(text: str) -> None:
    with pytest.raises(NameInvalid):
        names.fold_own(text)


# --- mending ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("frontend", "frontend"),
        ("My Project", "my-project"),
        ("feature/auth", "feature-auth"),
        ("a  --  b", "a-b"),
        ("..hidden..", "hidden"),
        ("__init__", "init"),
        ("naïve café", "naive-cafe"),
        ("émile", "emile"),
        ("e\u0301mile", "emile"),  # decomposed, as macOS writes file names
        ("Müller", "muller"),
        ("Straße", "strasse"),
        ("Łódź", "lodz"),
        ("Ærøskøbing", "aeroskobing"),
        ("İstanbul", "istanbul"),
        ("ﬁle", "file"),
        ("Việt Nam", "viet-nam"),
        ("проект 2", "2"),
        ("x" * 100, "x" * 64),
        ("x" * 63 + "-y", "x" * 63),
        ("日本", "session"),
        ("", "session"),
        ("///", "session"),
        ("all", "all-1"),
        ("TELEX", "telex-1"),
        ("../../etc/passwd", "etc-passwd"),
    ],
)
def test_what_is_derived_is_mended(text: str, name: str) -> None:
    assert names.slug(text) == name
    assert names.is_name(names.slug(text))
    assert names.slug(names.slug(text)) == names.slug(text)


def test_nothing_left_gives_what_the_caller_wants() -> None:
    assert names.slug("日本", default="") == ""


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/src/api", "api"),
        ("/src/api/", "api"),
        ("/src/Müller", "muller"),
        ("/src/shop/данные", "shop"),
        ("/src/shop/данные/日本語", "shop"),
        ("/src/shop/проект-2", "shop"),  # what is left is no name
        ("/src/shop/日本 app", "app"),
        ("/src/shop/...", "shop"),
        ("/home/dana/проект", ""),  # not the person's home
        ("/home/dana/work/проект", "work"),
        ("/home/dana", "dana"),
        ("/проект", ""),
        ("/", ""),
        ("", ""),
        ("/src/\udcff\udcfe", "src"),
        ("/src/all", "all-1"),
    ],
)
def test_a_directory_gives_its_name_or_that_of_the_nearest_above(path: str, name: str) -> None:
    for home in ("/home/dana", "/home/dana/"):
        assert names.of_directory(path, home) == name


# --- twins ------------------------------------------------------------------------------------------------


def test_the_first_is_the_name_itself_and_the_others_are_counted() -> None:
    assert [names.twin("api", number) for number in (1, 2, 3, 10)] == ["api", "api-2", "api-3", "api-10"]


def test_every_twin_of_the_longest_name_is_a_name_of_its_own() -> None:
    twins = [names.twin(LONGEST, number) for number in range(1, limits.NAME_TWINS + 1)]
    assert len(set(twins)) == limits.NAME_TWINS
    assert all(map(names.is_name, twins))


# --- targets ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("@api", "name", "api"),
        ("api", "name", "api"),
        ("API", "name", "api"),
        ("#Release", "channel", "release"),
        ("#all", "channel", "all"),
        ("all", "all", "all"),
        ("ALL", "all", "all"),
        ("@all", "all", "all"),
        ("me", "name", "me"),
    ],
)
def test_a_target_is_a_name_a_channel_or_everyone(text: str, kind: str, name: str) -> None:
    target = names.parse_target(text)
    assert target == Target(kind=kind, name=name)
    assert names.parse_target(target.written()) == target


def test_several_targets_stand_between_commas_each_once() -> None:
    found = names.parse_targets(" @api, #release,api ,, all,@API ")
    assert [one.written() for one in found] == ["@api", "#release", "all"]


@pytest.mark.parametrize("text", ["", " ", ",", " , ,"])
def test_to_nobody_is_wrong_words(text: str) -> None:
    with pytest.raises(Usage, match="to whom"):
        names.parse_targets(text)


def test_so_many_recipients_and_no_more() -> None:
    many = [f"a{number}" for number in range(limits.RECIPIENTS_PER_SEND)]
    assert len(names.parse_targets(",".join(many))) == limits.RECIPIENTS_PER_SEND
    with pytest.raises(Usage, match="65 recipients; the most is 64"):
        names.parse_targets(",".join([*many, "one-more"]))


@pytest.mark.parametrize("text", ["@", "#", "@a,@b c", "#\u0430"])
def test_one_wrong_target_refuses_them_all(text: str) -> None:
    with pytest.raises(NameInvalid):
        names.parse_targets(text)


# --- the nearest ------------------------------------------------------------------------------------------

KNOWN = ["backend", "frontend", "api", "frontend-2"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("fronted", "frontend"),  # a letter left out
        ("frontennd", "frontend"),  # one too many
        ("fromtend", "frontend"),  # another one
        ("forntend", "frontend"),  # two in the wrong order
        ("bakcend", "backend"),
        ("front", "frontend"),  # a beginning
        ("ap", "api"),
        ("apo", "api"),
        ("apis", "api"),
    ],
)
def test_a_slip_of_the_finger_finds_its_name(typed: str, meant: str) -> None:
    assert names.nearest(typed, KNOWN) == meant


@pytest.mark.parametrize("typed", ["zebra", "a", "f", "x", "bcd", "axx", "endfront", "b-a-c-k-e-n-d-x"])
def test_nothing_is_guessed_where_nothing_is_near(typed: str) -> None:
    assert names.nearest(typed, KNOWN) == ""


def test_of_two_beginnings_the_closer_is_meant() -> None:
    assert names.nearest("frontend-22", KNOWN) == "frontend-2"


def test_among_nobody_nobody_is_near() -> None:
    assert names.nearest("api", []) == ""


def test_one_letter_is_no_beginning() -> None:
    assert names.nearest("a", ["ab", "abc"]) == ""
    assert names.nearest("abc", ["a"]) == ""
    assert names.nearest("ab", ["abxyz"]) == "abxyz"
    assert names.nearest("abxyz", ["ab"]) == "ab"


@pytest.mark.parametrize(("letters", "slips"), [(2, 1), (3, 1), (4, 2), (6, 2), (7, 3), (9, 3), (10, 4)])
def test_a_third_of_the_letters_may_be_wrong(letters: int, slips: int) -> None:
    name = "abcdefghij"[:letters]
    for wrong in range(1, letters + 1):
        known = "0123456789"[:wrong] + name[wrong:]
        assert names.nearest(name, [known]) == (known if wrong <= slips else ""), known


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_what_lies_between_two_names_is_counted_as_anybody_would(one: str, other: str) -> None:
    def slowly(one: str, other: str) -> int:
        if not one or not other:
            return len(one) + len(other)
        swapped = slowly(one[1:], other[1:]) + (one[0] != other[0])
        return min(slowly(one[1:], other) + 1, slowly(one, other[1:]) + 1, swapped)

    assert names._edits(one, other) == slowly(one, other)
