"""A client's settings file keeps every byte that is not telex's."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telex.clients.edit import hook_entries, json_edit
from telex.clients.types import Entry
from telex.errors.settings import SettingsUnreadable


def line(event: str, version: str = "") -> str:
    return f"{version}[ -e x ] || exit 0; /usr/bin/python3 -I -S /h/.telex/bin/hook.py claude {event} || exit 0"


def ours(handler: object) -> bool:
    return isinstance(handler, dict) and "/h/.telex/bin/hook.py claude" in str(handler.get("command"))


def entries(version: str = "") -> list[Entry]:
    start = {"type": "command", "command": line("SessionStart", version), "timeout": 10}
    stop = {"type": "command", "command": line("Stop", version), "timeout": 10}
    return [
        Entry(event="SessionStart", group={"hooks": [start]}),
        Entry(event="Stop", group={"matcher": "*", "hooks": [stop]}),
    ]


def put(text: str, version: str = "") -> str:
    return hook_entries.merged(hook_entries.check("f", text.encode()), entries(version), ours)


def made(before: str, after: str) -> list[str]:
    return [name for name in hook_entries.containers(after) if name not in hook_entries.containers(before)]


def round_trip(text: str) -> str:
    after = put(text)
    assert hook_entries.is_current(after, entries(), ours)
    assert put(after) == after, "a second time changes nothing"
    return hook_entries.stripped(after, ours, made(text, after))


FOREIGN = {"type": "command", "command": "echo mine"}
LAYOUTS = {
    "two spaces": json.dumps({"a": 1, "hooks": {"Stop": [{"hooks": [FOREIGN]}]}, "z": [1, {}]}, indent=2) + "\n",
    "four spaces, no hooks": json.dumps({"model": "x", "env": {"A": "1"}}, indent=4),
    "tabs": json.dumps({"hooks": {"PreToolUse": [{"hooks": [FOREIGN]}]}}, indent="\t") + "\n",
    "no indentation": '{\n"a": 1,\n"b": 2\n}\n',
    "compact": json.dumps({"a": 1, "hooks": {"Stop": [{"hooks": [FOREIGN]}]}}, separators=(",", ":")),
    "one line": json.dumps({"a": 1, "b": [1, 2]}) + "\n",
    "windows": json.dumps({"a": 1, "b": [1]}, indent=2).replace("\n", "\r\n") + "\r\n",
    "byte order mark": "\ufeff" + json.dumps({"a": 1}, indent=2),
    "numbers and escapes": '{\n  "n": 1.0e+05,\n  "big": 1234567890123456789, "s": "\\u00e9\\/é\\ud83d"\n}\n',
    "ragged": '{ "a" : 1,\n     "hooks": {"Stop": [ {"hooks": [ ]} ],\n  "Other":[]}  }\n\n',
    "empty containers": '{\n  "hooks": {\n    "Stop": []\n  }\n}\n',
    "empty hooks": '{"hooks":{}}',
    "strange groups": '{\n  "hooks": {\n    "Stop": [null, 7, {"hooks": "?"}, {}]\n  }\n}\n',
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_in_and_out_again_is_the_same_bytes(text: str) -> None:
    assert round_trip(text) == text


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_what_is_put_in_stands_after_what_was_there(text: str) -> None:
    before, after = json_edit.value_of(text), json_edit.value_of(put(text))
    assert list(after)[: len(before)] == list(before)
    for event, groups in before.get("hooks", {}).items():
        assert after["hooks"][event][: len(groups)] == groups


def test_the_layout_of_the_file_is_the_layout_of_what_is_put_in() -> None:
    assert '\n\t\t"SessionStart": [\n\t\t\t{\n\t\t\t\t"hooks": [' in put(LAYOUTS["tabs"])
    assert '\n    "hooks": {\n        "SessionStart": [\n            {' in put(LAYOUTS["four spaces, no hooks"])
    assert put(LAYOUTS["windows"]).count("\n") == put(LAYOUTS["windows"]).count("\r\n")
    assert "\n" not in put(LAYOUTS["compact"]) and '"SessionStart":[{"hooks":[{' in put(LAYOUTS["compact"])
    assert put(LAYOUTS["one line"]).count("\n") == 1 and '"SessionStart": [{"hooks": [{' in put(LAYOUTS["one line"])
    assert put(LAYOUTS["byte order mark"]).startswith("\ufeff{")
    assert put("{}\n") == json.dumps({"hooks": {e.event: [e.group] for e in entries()}}, indent=2) + "\n"


def test_an_empty_file_counts_as_an_empty_object() -> None:
    assert hook_entries.is_current(put(""), entries(), ours)
    assert hook_entries.is_current(put(" \n"), entries(), ours)


def test_entries_of_an_older_telex_are_replaced_where_they_stand() -> None:
    text = put('{\n  "hooks": {\n    "Stop": []\n  }\n}\n', "old;")
    value = json_edit.value_of(text)
    value["hooks"]["Stop"].append({"hooks": [FOREIGN]})
    text = json.dumps(value, indent=2)
    after = put(text)
    assert hook_entries.is_current(after, entries(), ours)
    assert after == text.replace("old;", "")


def test_entries_in_events_that_telex_no_longer_uses_go() -> None:
    gone = {"hooks": [{"type": "command", "command": line("PreToolUse")}]}
    text = json.dumps({"hooks": {"PreToolUse": [gone, {"hooks": [FOREIGN]}]}}, indent=2)
    after = json_edit.value_of(put(text))
    assert after["hooks"]["PreToolUse"] == [{"hooks": [FOREIGN]}]


def test_entries_that_stand_twice_stand_once_afterwards() -> None:
    value = json_edit.value_of(put("{}"))
    value["hooks"]["Stop"] *= 3
    assert hook_entries.is_current(put(json.dumps(value)), entries(), ours)


def test_a_handler_that_its_owner_put_beside_ours_stays() -> None:
    value = json_edit.value_of(put("{}\n"))
    value["hooks"]["Stop"][0]["hooks"].append(FOREIGN)
    text = json.dumps(value, indent=2)
    again = json_edit.value_of(put(text))
    assert again["hooks"]["Stop"] == [{"matcher": "*", "hooks": [FOREIGN]}, entries()[1].group]
    bare = json_edit.value_of(hook_entries.stripped(text, ours, ["hooks", "SessionStart", "Stop"]))
    assert bare == {"hooks": {"Stop": [{"matcher": "*", "hooks": [FOREIGN]}]}}


def test_what_somebody_else_wrote_meanwhile_keeps_its_bytes() -> None:
    text = put('{\n  "a": 1.50\n}\n').replace('"a": 1.50', '"a":   1.50, "b": "\\u00fc"')
    assert (
        hook_entries.stripped(text, ours, ["hooks", "SessionStart", "Stop"]) == '{\n  "a":   1.50, "b": "\\u00fc"\n}\n'
    )


def test_containers_that_were_there_stay_when_they_are_empty() -> None:
    assert hook_entries.stripped(put('{"hooks":{"Stop":[]}}'), ours, ["SessionStart"]) == '{"hooks":{"Stop":[]}}'
    assert json_edit.value_of(hook_entries.stripped(put("{}"), ours, None)) == {}, "without a manifest, empty ones go"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{\n  // mine\n  "a": 1\n}', "line 2, column 3"),
        (b'{"a": 1,}', "line 1, column"),
        (b'{"a": 1', "line 1, column 8"),
        (b'{"a": 1, "a": 2}', "the key 'a' stands twice"),
        (b'{"x": {"hooks": 1, "hooks": 2}}', "the key 'hooks' stands twice"),
        (b"[]", "not an object"),
        (b"null", "not an object"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": "\xff"}', "byte 7 is not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "byte 0 is not UTF-8"),
        (b'{"hooks": []}', "'hooks' is not an object"),
        (b'{"hooks": null}', "'hooks' is not an object"),
        (b'{"hooks": {"Stop": {}}}', "'hooks.Stop' is not an array"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deep"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "digits"),
    ],
)
def test_a_file_that_is_not_plain_json_is_refused(raw: bytes, words: str) -> None:
    with pytest.raises(SettingsUnreadable) as refusal:
        hook_entries.check("/x/settings.json", raw)
    assert words in refusal.value.message
    assert "/x/settings.json" in refusal.value.message


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
events = st.sampled_from(["Stop", "SessionStart", "Other"])
hooks = st.fixed_dictionaries({"hooks": st.dictionaries(events, st.lists(values, max_size=3))})
documents = st.tuples(st.dictionaries(st.text(), values, max_size=3), hooks | st.just({}), st.booleans())
layouts = st.sampled_from([{"indent": 1}, {"indent": 4}, {"indent": "\t"}, {"separators": (",", ":")}, {}])


@given(documents, layouts, st.booleans())
def test_any_file_is_the_same_after_in_and_out(document: Any, layout: dict[str, Any], escaped: bool) -> None:
    before, with_hooks, last = document
    value = {**before, **with_hooks} if last else {**with_hooks, **before}
    if not isinstance(value.get("hooks", {}), dict):
        return
    text = json.dumps(value, ensure_ascii=escaped, **layout)
    try:
        text.encode()
        hook_entries.check("f", text.encode())
    except (UnicodeEncodeError, SettingsUnreadable):
        return
    assert round_trip(text) == text
    after = json_edit.value_of(put(text))
    assert {key: after[key] for key in value if key != "hooks"} == {k: v for k, v in value.items() if k != "hooks"}
