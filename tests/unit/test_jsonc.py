"""Settings in which comments stand, and commas after last values: what is telex's goes in and out, all else stays."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.test_settings_file import entries, made, ours

from telex.clients.edit import hook_entries, json_edit
from telex.clients.edit.json_edit import COMMENTS, JSONC, STRICT
from telex.clients.edit.mcp_json import JsonServers
from telex.errors.settings import SettingsNotJson

SERVER = {"type": "local", "command": ["/h/.telex/bin/telex", "mcp"], "enabled": True}
FILE = JsonServers("opencode.json", "mcp", JSONC)
_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|(//[^\r\n]*|/\*.*?\*/)', re.DOTALL)


def comments(text: str) -> list[str]:
    return [one[1] for one in _COMMENT.finditer(text) if one[1]]


def server_round_trip(text: str) -> str:
    """In, found, in again without a change, out again; each comment in its order all the time."""
    checked = FILE.check(text.encode())
    after = FILE.merged(checked, SERVER)
    assert FILE.entry(FILE.check(after.encode())) == SERVER
    assert comments(after) == comments(text)
    others = {name: value for name, value in json_edit.value_of(after).items() if name != "mcp"}
    assert others == {name: value for name, value in json_edit.value_of(checked).items() if name != "mcp"}
    back = FILE.stripped(after, made=not FILE.containers(checked))
    assert comments(back) == comments(text)
    return back


LAYOUTS = {
    "a comma after the last": '{\n  "theme": "dark",\n}\n',
    "a comment before the end": '{\n  "theme": "dark"\n  // "model": "x"\n}\n',
    "a comment behind the last": '{\n  "theme": "dark" // of mine\n}\n',
    "a comment behind the last comma": '{\n  "theme": "dark", // of mine\n}\n',
    "comments everywhere": '// h\n{ // o\n  /* a */ "a" /* b */ : /* c */ 1 /* d */, // e\n  // f\n} // g\n// tail',
    "other servers": '{\n  "mcp": {\n    // mine\n    "a": {"type": "local"}, // one\n  },\n}\n',
    "a list of servers with a comment alone": '{\n  "mcp": {\n    // none yet\n  }\n}\n',
    "an empty object with a comment": "{\n  // nothing here\n}\n",
    "one line": '{ "a": 1, /* two */ "b": 2, }',
    "one line, empty": "{ /* nothing */ }",
    "windows": '{\r\n  "a": 1, // one\r\n  // two\r\n}\r\n',
    "tabs and a mark": '\ufeff{\n\t"a": [1, 2,],\n\t/* long\n\t   comment */\n}\n',
    "what only looks like comments": '{\n  "a": "// no /* no */",\n  "b": "https://x/*", // "c": 3\n}\n',
    "the comment names telex": '{\n  // "mcp": {"telex": {}}\n  "a": 1\n}\n',
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=list(LAYOUTS))
def test_a_server_goes_in_and_out_and_every_comment_stays(text: str) -> None:
    assert json_edit.value_of(FILE.check(server_round_trip(text).encode())) == json_edit.value_of(text)


@pytest.mark.parametrize(
    "name", ["a comma after the last", "a comment behind the last comma", "other servers", "windows"]
)
def test_the_usual_layouts_come_back_byte_for_byte(name: str) -> None:
    assert server_round_trip(LAYOUTS[name]) == LAYOUTS[name]


def test_what_is_said_of_a_value_stays_beside_it() -> None:
    after = FILE.merged('{\n  "a": 1 // of a\n}\n', SERVER)
    assert after.startswith('{\n  "a": 1, // of a\n  "mcp": {') and after.endswith("  }\n}\n")


def test_hooks_go_in_and_out_beside_comments() -> None:
    text = '{\n  // mine\n  "hooks": {\n    "Stop": [\n      {"hooks": []}, // first\n    ],\n  },\n}\n'
    after = hook_entries.merged(hook_entries.check("f", text.encode(), JSONC), entries(), ours)
    assert hook_entries.is_current(after, entries(), ours) and comments(after) == comments(text)
    assert hook_entries.stripped(after, ours, made(text, after)) == text


def test_a_container_in_which_somebody_left_a_comment_stays() -> None:
    after = FILE.merged('{"a": 1}', SERVER)
    noted = after.replace("}}}", "} /* mine */}}")
    assert noted != after and "/* mine */" in FILE.stripped(noted, made=True)


def test_each_client_is_taken_at_its_word() -> None:
    """Gemini CLI takes comments and no comma after a last value; Claude Code takes neither."""
    for text, forms in {
        '{"a": 1}': (STRICT, COMMENTS, JSONC),
        '{"a": 1 /* b */}': (COMMENTS, JSONC),
        '{"a": 1,}': (JSONC,),
        '{"a": 1,,}': (),
        "{,}": (),
        "{// no end}": (),
        "{/* no end }": (),
        "{'a': 1}": (),
        '{"a": 1 "b": 2}': (),
        '{"a": 1, "a": 2, }': (),
        '[1, // "a"\n]': (),
    }.items():
        for form in (STRICT, COMMENTS, JSONC):
            if form in forms:
                assert json_edit.checked("f", text.encode(), form) == text
            else:
                with pytest.raises(SettingsNotJson):
                    json_edit.checked("f", text.encode(), form)


def test_a_strict_file_never_becomes_anything_else() -> None:
    with pytest.raises(SettingsNotJson):
        json_edit.proved('{"a": 1}', '{"a": 1,}')
    assert json_edit.proved('{"a": 1,}', '{"a": 1, "b": 2,}')


def test_where_it_goes_wrong_is_told_by_the_place_in_the_file() -> None:
    with pytest.raises(SettingsNotJson, match="line 3, column 8"):
        json_edit.checked("f", b'{\n  // a long comment\n  "a": nothing\n}', JSONC)


# --- any document -------------------------------------------------------------------------------------------------

words = st.text(alphabet='ab"\\/*, é{}[]:', max_size=5)
scalars = st.none() | st.booleans() | st.integers() | words
values = st.recursive(scalars, lambda one: st.lists(one, max_size=3) | st.dictionaries(words, one, max_size=3))
servers: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.fixed_dictionaries(
    {"mcp": st.dictionaries(words, values, max_size=2)}
)
gaps = st.sampled_from(
    ["", "", " ", "\n", "\n  ", "// c\n", ' // "x": 1,\n  ', "/* } */", "\n/* , */\n", "\r\n\t", "/**/"]
)


@st.composite
def written(draw: st.DrawFn, value: Any) -> str:
    """The value as somebody may have written it."""

    def gap() -> str:
        return draw(gaps)

    def inner(one: Any) -> str:
        if isinstance(one, dict):
            listed = [f"{gap()}{json.dumps(key)}{gap()}:{gap()}{inner(held)}{gap()}" for key, held in one.items()]
        elif isinstance(one, list):
            listed = [f"{gap()}{inner(held)}{gap()}" for held in one]
        else:
            return json.dumps(one)
        last = f",{gap()}" if listed and draw(st.sampled_from([True, False])) else gap()
        begin, end = "{}" if isinstance(one, dict) else "[]"
        return f"{begin}{','.join(listed)}{last}{end}"

    return f"{gap()}{inner(value)}{gap()}"


@given(st.data(), st.dictionaries(words, values, max_size=3), servers, st.booleans())
def test_any_document_keeps_its_comments_and_its_values(
    data: st.DataObject, document: dict[str, Any], listed: dict[str, Any], last: bool
) -> None:
    document.pop("mcp", None)
    value = {**document, **listed} if last else {**listed, **document}
    value.get("mcp", {}).pop("telex", None)
    text = data.draw(written(value))
    assert json_edit.value_of(FILE.check(text.encode())) == value
    assert json_edit.value_of(FILE.check(server_round_trip(text).encode())) == value


@given(st.data(), st.dictionaries(words, values, max_size=2), st.lists(values, max_size=3))
def test_any_hooks_keep_theirs(data: st.DataObject, document: dict[str, Any], groups: list[Any]) -> None:
    value = {**document, "hooks": {"Stop": groups, "Other": []}}
    text = data.draw(written(value))
    after = hook_entries.merged(hook_entries.check("f", text.encode(), JSONC), entries(), ours)
    assert hook_entries.is_current(after, entries(), ours) and comments(after) == comments(text)
    back = hook_entries.stripped(after, ours, made(text, after))
    assert json_edit.value_of(back) == value and comments(back) == comments(text)


def test_the_planted_twin_loses_a_comment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An edit that takes all between two values for white space, as it may in strict JSON."""
    monkeypatch.setattr(json_edit, "_END_OF_LINE", re.compile(""))
    monkeypatch.setattr(
        json_edit, "_remove_among_comments", lambda text, box, index: text[: box.start + 1] + text[box.end - 1 :]
    )
    with pytest.raises(AssertionError):
        server_round_trip('{\n  "mcp": {\n    // none yet\n  }\n}\n')
