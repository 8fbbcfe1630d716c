"""How foreign text is shown: what is escaped, what is defused, what is left alone."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from telex.core import text

# Default_Ignorable_Code_Point of the Unicode Character Database, and signs whose glyph is empty.
INVISIBLE = (
    *((0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F)),
    *((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F)),
    *((0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A)),
    *((0xE0000, 0xE0FFF), (0x2800, 0x2800), (0x16FE4, 0x16FE4), (0x1D159, 0x1D159)),
)
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}

# --- visible ----------------------------------------------------------------------------------------------


def test_no_code_point_gets_through_unseen() -> None:
    invisible = {code for first, last in INVISIBLE for code in range(first, last + 1)}
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        category = unicodedata.category(char)
        expected = char
        if category == "Zs":
            expected = " "
        elif category in UNSEEN or code in invisible:
            expected = f"\\u{{{code:x}}}"
        elif code in (0xFFFC, 0x13441, 0x13442):
            continue
        assert text.visible(char) == expected, hex(code)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("hello", "hello"),
        ("Ünï 日本 שלום", "Ünï 日本 שלום"),
        ("a\x1b[31mb", "a\\u{1b}[31mb"),
        ("a\u202eb", "a\\u{202e}b"),
        ("a\U000e0041", "a\\u{e0041}"),
        ("a\ud800b", "a\\u{d800}b"),
        ("a\nb\r", "a\\u{a}b\\u{d}"),
        ("a\u00a0b\u3000c", "a b c"),
        ("C:\\dir \\u{202e}", "C:\\dir \\u{202e}"),
        ("e\u0301", "e\u0301"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_is_written_out(line: str, shown: str) -> None:
    assert text.visible(line) == shown


def test_a_tab_stays_only_where_it_may() -> None:
    assert text.visible("a\tb") == "a\\u{9}b"
    assert text.visible("a\tb\u202e", tabs=True) == "a\tb\\u{202e}"


@pytest.mark.parametrize(
    "emoji", ["\u2764\ufe0f", "\u00a9\ufe0f", "1\ufe0f\u20e3", "#\ufe0f\u20e3", "\U0001f3f3\ufe0f"]
)
def test_an_emoji_keeps_its_one_selector(emoji: str) -> None:
    assert text.visible(emoji) == emoji
    assert text.visible(emoji + "\ufe0f").endswith("\\u{fe0f}")


@pytest.mark.parametrize("before", ["", "a", "1", "中", "\u2800", "\u200b", "\ue000", " ", "<"])
def test_a_selector_that_selects_nothing_is_written_out(before: str) -> None:
    assert text.visible(before + "\ufe0f") == text.visible(before) + "\\u{fe0f}"


def test_a_text_of_every_character_does_not_fill_the_memory() -> None:
    text.visible("".join(map(chr, range(0x3000, 0x9000))))
    assert len(text._PLAIN) <= text._REMEMBERED


# --- lines and quoted -------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_every_separator_ends_a_line(end: str) -> None:
    assert text.quoted(f"one{end}two") == ["> one", "> two"]


def test_every_line_has_the_prefix_even_an_empty_one() -> None:
    assert text.quoted("a\n\n> b\n") == ["> a", "> ", "> > b"]
    assert text.quoted("") == ["> "]
    assert text.quoted("{}", "data> ") == ["data> {}"]


# --- defused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("</system-reminder>", "<\\/system-reminder>"),
        ("<system-reminder>", "<\\system-reminder>"),
        ("a <SYSTEM_Reminder x", "a <\\SYSTEM_Reminder x"),
        ("< / system - reminder >", "<\\ / system - reminder >"),
        ("<-system-reminder>", "<\\-system-reminder>"),
        ("<<system-reminder>>", "<<\\system-reminder>>"),
        ("x<System-reminder>", "x<\\System-reminder>"),
        ("\uff1c/\uff53ystem-reminder\uff1e", "\uff1c\\/\uff53ystem-reminder\uff1e"),
        ("\ufe64user>", "\ufe64\\user>"),
        ("\u2039/user\u203a", "\u2039\\/user\u203a"),
        ("<sys\u2011tem\u2010reminder>", "<\\sys\u2011tem\u2010reminder>"),
        ("<\u017fystem-reminder>", "<\\\u017fystem-reminder>"),
        ("<task-notification><hook_context>", "<\\task-notification><\\hook_context>"),
        ('<channel source="x">', '<\\channel source="x">'),
        ('< channel source="x">', '<\\ channel source="x">'),
        ("</channel>", "<\\/channel>"),
        ("<persisted-output>", "<\\persisted-output>"),
        ("<hook_prompt>", "<\\hook_prompt>"),
        ("<function_calls>", "<\\function_calls>"),
        ('<invoke name="x">', '<\\invoke name="x">'),
        ("</ant" + "ml:invoke>", "<\\/ant" + "ml:invoke>"),
        ("<user>", "<\\user>"),
        ("</ User >", "<\\/ User >"),
        ("< user >", "<\\ user >"),
        ("x<user>", "x<\\user>"),
        ("x<USER>", "x<\\USER>"),
        ("<user_>", "<\\user_>"),
        ("<user_input>", "<\\user_input>"),
        ("<assistant>", "<\\assistant>"),
        ("<human>", "<\\human>"),
        ("</tool_result>", "<\\/tool_result>"),
        ("<telex-message>", "<\\telex-message>"),
        ("<user", "<\\user"),
        ("<|im_start|>", "<\\|im_start|>"),
    ],
)
def test_a_clients_tag_is_defused(line: str, shown: str) -> None:
    assert text.defused(line) == shown


@pytest.mark.parametrize(
    "line",
    [
        *("a < b", "x <= y", "List<String>", "</div>", "<T>", "<", "<>", "a << 2", "<3"),
        *("Promise<User | null>", "std::vector<Channel>", "parse::<User>()", "Vec<ToolResult>"),
        *("<UserCard/>", "<username>", "<user-id>", "<user.name>", "<channels>", "#include <system_error>"),
        *("#include <sys/types.h>", "i < user.age", "i < user && j", "i < users", "if a < user and b", "a < user"),
        *("x <| f", "<|>", "system-reminder>", "<\\/system-reminder>", "日本 < 中国", "〈書名〉"),
    ],
)
def test_ordinary_code_is_left_alone(line: str) -> None:
    assert text.defused(line) == line


def test_a_hidden_character_does_not_hide_a_tag() -> None:
    assert text.quoted("<\u200b/system-reminder>") == ["> <\\u{200b}/system-reminder>"]
    assert text.quoted("</sys\u00adtem-reminder>") == ["> </sys\\u{ad}tem-reminder>"]
    assert text.quoted("<\u00a0/system\u00a0reminder>") == ["> <\\ /system reminder>"]


# --- clip, preview, place ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("chars", "shown"), [(5, "hello"), (4, "hel…"), (1, "…"), (0, ""), (-1, "")])
def test_a_clipped_text_says_so(chars: int, shown: str) -> None:
    assert text.clip("hello", chars) == shown


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("hello", "hello"),
        ("\n  one\n\n\ttwo \r\nthree", "one / two / three"),
        ("a\x1b]0;t\x07 </system-reminder>", "a\\u{1b}]0;t\\u{7} <\\/system-re…"),
        ("x" * 10_000, "x" * 29 + "…"),
        ("x" + "\n" * 10_000, "x…"),
        (" \n ", ""),
        ("x" * 20 + "<username>", "x" * 20 + "<username>"),
        ("x" * 24 + "<username>", "x" * 24 + "<use…"),
        ("<user>" * 6, "<\\user>" * 4 + "<…"),
    ],
)
def test_a_preview_is_the_beginning_on_one_line(body: str, shown: str) -> None:
    assert text.preview(body, 30) == shown


@pytest.mark.parametrize(
    ("path", "home", "shown"),
    [
        ("/home/dana/src", "/home/dana", "~/src"),
        ("/home/dana/src", "/home/dana/", "~/src"),
        ("/home/dana", "/home/dana", "~"),
        ("/home/dana2/src", "/home/dana", "/home/dana2/src"),
        ("/srv/x", "", "/srv/x"),
        ("/srv/x", "/", "/srv/x"),
        ("/srv/long/way/to/frontend", "", "…/way/to/frontend"),
        ("/srv/" + "x" * 30, "", "…" + "x" * 19),
        ('/a" (person)', "", "/a\\u{22} (person)"),
        ("/a\n> b\u202e", "", "/a\\u{a}> b\\u{202e}"),
        ("/a <user>", "", "/a \\u{3c}user>"),
        ("x" * 10 + "\u2764\ufe0f" + "y" * 18, "", "…" + "y" * 18),
    ],
)
def test_a_place_keeps_its_end_and_no_quote(path: str, home: str, shown: str) -> None:
    assert text.place(path, home, 20) == shown


# --- when and age -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        (1_795_296_600_000, "2026-11-21 21:30Z"),
        (0, "1970-01-01 00:00Z"),
        (-1, "1970-01-01 00:00Z"),
        (-(10**30), "1970-01-01 00:00Z"),
        (253_402_300_799_999, "9999-12-31 23:59Z"),
        (10**30, "9999-12-31 23:59Z"),
    ],
)
def test_a_moment_is_written_to_the_minute_whatever_the_number(ms: int, shown: str) -> None:
    assert text.when(ms) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        *((-5, "now"), (0, "now"), (1, "1s"), (59, "59s"), (60, "1m"), (3_599, "59m"), (3_600, "1h")),
        *((86_399, "23h"), (86_400, "1d"), (200_000, "2d"), (10**30, "99999d")),
    ],
)
def test_an_age_is_written_in_its_largest_unit(seconds: int, shown: str) -> None:
    assert text.age(seconds * 1000) == shown
