"""What docs/reference/json.md says of each command is what the command prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.link.boxes import Box
from tests.relay.running import running
from tools import reference

TELEX = str(Path(sys.executable).parent / "telex")
SECONDS = 60

_SETTING = set(reference.setting_fields())


class Place:
    """A home, and commands run in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "home").mkdir()

    def run(self, *words: str, name: str = "") -> str:
        """What a command printed. A name stands for TELEX_NAME."""
        environment = {
            "HOME": str(self.root / "home"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}",
            "TELEX_HOME": str(self.root / "telex"),
            **({"TELEX_NAME": name} if name else {}),
        }
        done = subprocess.run(
            [TELEX, *words],
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done
        return done.stdout

    def json(self, *words: str, name: str = "") -> Any:
        """The one object that a command printed."""
        [line] = self.run(*words, "--json", name=name).splitlines()
        return json.loads(line)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty home."""
    return Place(tmp_path)


def fields(record: str) -> set[str]:
    """The fields of a documented record."""
    if record == "Setting":
        return _SETTING
    if record == "Exported":
        return set(reference.exported_fields())
    return {name for name, _, _ in reference.fields(reference.RECORDS[record], record)}


def check(answer: Any, kind: str, more: tuple[str, ...] = ()) -> None:
    """An answer has the documented type, down to the last field."""
    if kind.startswith("["):
        assert isinstance(answer, list)
        for one in answer:
            check(one, kind.strip("[]"), more)
    elif kind in reference.RECORDS or kind in ("Setting", "Exported"):
        assert set(answer) == fields(kind) | set(more), kind
        for name, inner, _ in reference.fields(reference.RECORDS[kind], kind) if kind in reference.RECORDS else ():
            nested = inner.removeprefix("list[").removesuffix("]")
            if nested in reference.RECORDS:
                check(answer[name], f"[{nested}]" if inner.startswith("list[") else nested)
    else:
        types: dict[str, type] = {"text": str, "number": int, "true or false": bool}
        assert type(answer) is types[kind]


def check_answer(verb: str, answer: Any, more: tuple[str, ...] = ()) -> None:
    """What a command printed is what the page says of it."""
    shape = reference.ANSWERS[verb]
    if isinstance(shape, str):
        check(answer, shape, more)
        return
    assert set(answer) == set(shape), verb
    for name, kind in shape.items():
        check(answer[name], kind, more)


def test_mail_and_history(place: Place) -> None:
    sent = place.json("send", "@b,@c", "hello", "--data", '{"pr": 12}', name="a")
    check_answer("send", sent)
    inbox = place.json("inbox", name="b")
    check_answer("inbox", inbox)
    assert inbox["messages"][0]["data"] == {"pr": 12}
    check_answer("read", place.json("read", name="b"))
    check_answer("read", place.json("read", name="b"))
    check_answer("reply", place.json("reply", "m1", "well", name="b"))
    check_answer("wait", place.json("wait", "--timeout", "5s", name="a"))
    check_answer("done", place.json("done", "m1", name="b"))
    check_answer("show", place.json("show", "m1", name="a"))
    check_answer("log", place.json("log", name="a"))
    check_answer("search", place.json("search", "hello", name="a"))
    check_answer("export", json.loads(place.run("export").splitlines()[0]))


def test_asking(place: Place) -> None:
    command = [TELEX, "ask", "@b", "well?", "--timeout", "30s", "--json"]
    environment = {"HOME": str(place.root), "TELEX_HOME": str(place.root / "telex"), "TELEX_NAME": "a"}
    place.run("send", "@nobody", "the store is made", name="a")
    asking = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    place.run("wait", "--timeout", "20s", name="b")
    place.run("reply", "m2", "yes", name="b")
    answer, _ = asking.communicate(timeout=SECONDS)
    check_answer("ask", json.loads(answer))


def test_people(place: Place) -> None:
    check_answer("join", place.json("join", "release", name="a"))
    check_answer("channels", place.json("channels", name="a"))
    check_answer("who", place.json("who", name="a"))
    check_answer("leave", place.json("leave", "release", name="a"))
    check_answer("name", place.json("name", name="a"))
    assert set(place.json("name", "other", name="a")) == {"name", "before", "forward_hours"}


def test_keeping(place: Place) -> None:
    place.run("send", "@b", "hello", name="a")
    (place.root / "mail.jsonl").write_text(place.run("export"))
    check_answer("import", place.json("import", "mail.jsonl"))
    check_answer("purge", place.json("purge", "--with", "@b", "--open"))
    check_answer("config", place.json("config"))
    check_answer("config", place.json("config", "keep_days", "30"))


def test_care(place: Place) -> None:
    check_answer("install", place.json("install", "claude"), more=("client",))
    check_answer("status", place.json("status"))
    check_answer("doctor", place.json("doctor"))
    check_answer("doctor", place.json("doctor", "--repair"))
    check_answer("alias", place.json("alias", "coop"))
    check_answer("uninstall", place.json("uninstall", "claude"), more=("client",))


def test_the_link(tmp_path: Path) -> None:
    with running(tmp_path) as relay:
        alice, bob = Box(tmp_path, "alice"), Box(tmp_path, "bob")
        try:
            check_link(relay.url, relay.code("acme"), alice, bob)
        finally:
            alice.quiet()
            bob.quiet()


def check_link(url: str, code: str, alice: Box, bob: Box) -> None:
    def answer(box: Box, *words: str, typed: str = "") -> Any:
        done = box.telex("link", *words, "--json", stdin=typed.encode())
        assert done.status == 0, done
        check_answer(f"link {words[0]}", done.json)
        return done.json

    answer(alice, "join", url, "--name", "alice-laptop", typed=code)
    answer(bob, "join", url, "--name", "bob-laptop", typed=answer(alice, "invite")["code"])
    answer(bob, "status")
    assert len(answer(bob, "machines")["machines"]) == 2
    assert answer(alice, "verify", "bob-laptop")["number"] == answer(bob, "verify", "alice-laptop")["number"]
    answer(alice, "role", "bob-laptop", "read-only")
    answer(alice, "rotate")
    answer(alice, "remove", "bob-laptop")
    answer(alice, "pause")
    answer(alice, "resume")
    answer(alice, "leave")


def test_the_relay(tmp_path: Path) -> None:
    with running(tmp_path, serve=False) as relay:
        for words in (["team", "create", "acme"], ["team", "code", "acme"], ["team", "list"]):
            check_answer(f"relay {' '.join(words[:2])}", relay.command(*words))
        saved = str(tmp_path / "saved.db")
        for verb in ("backup", "restore"):
            check_answer(f"relay {verb}", relay.command(verb, saved))


def test_running(place: Place) -> None:
    [line] = place.run("run", "--json", "--", "true").splitlines()
    check_answer("run", json.loads(line))


def test_the_demo(place: Place) -> None:
    for line in place.run("demo", "--json").splitlines():
        check_answer("demo", json.loads(line))


def test_an_answer_with_another_field_is_noticed() -> None:
    with pytest.raises(AssertionError):
        check({"name": "@a", "state": "queued", "presence": "", "note": "", "extra": 1}, "Outcome")
    with pytest.raises(AssertionError):
        check({"name": "@a", "state": "queued", "presence": ""}, "Outcome")
