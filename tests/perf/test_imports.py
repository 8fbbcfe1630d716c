"""What a hook run and the hot verbs load: each of the modules below costs more than the work itself.

The launchers that `telex install` writes are run as they are, started `-I -S`; only `os._exit`, by which they leave,
is replaced by one that first writes down what was loaded.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.link.courier import number
from tools import bench_cold
from tools.bench_lab import EVENTS, Lab

import telex
from telex.clients.launcher import launchers
from telex.clients.launcher.launchers import Launch
from telex.team import directory, outbox

HEAVY = {
    *("re", "json", "typing", "dataclasses", "enum", "contextlib", "collections", "collections.abc", "functools"),
    *("pathlib", "argparse", "signal", "hashlib", "sqlite3", "_sqlite3", "inspect", "traceback", "importlib.util"),
    *("subprocess", "tempfile", "random", "datetime", "shutil", "logging", "threading", "asyncio", "socket", "difflib"),
    *("rich", "warnings", "importlib", "operator", "types", "site"),
}
WAIT_MAY = {"types"}  # by ctypes, which is how it sleeps on inotify
SHOWS = ("UserPromptSubmit", "PostToolBatch", "Stop", "FileChanged")  # in these, mail is shown
WAKE = 2

_AUDIT = """\
import os, sys
report, script, sys.argv = sys.argv[1], sys.argv[2], sys.argv[2:]
leave = os._exit
def note_and_leave(status):
    fd = os.open(report, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.write(fd, "\\n".join(sys.modules).encode())
    leave(status)
os._exit = note_and_leave
source = os.open(script, os.O_RDONLY)
exec(compile(os.read(source, 1 << 20), script, "exec"))
"""


class Audit(NamedTuple):
    """One run: its status, what it said, and every module that was loaded at its end."""

    status: int
    said: str
    modules: set[str]

    @property
    def heavy(self) -> set[str]:
        """What should not be among them."""
        return self.modules & HEAVY


def audit(lab: Lab, script: str, *words: str, name: str = "", stdin: str = os.devnull) -> Audit:
    """Run a launcher of the lab's home."""
    report = os.path.join(lab.user, "modules")
    path = os.path.join(lab.home, "bin", script)
    with open(stdin, "rb") as file:
        ran = subprocess.run(
            [lab.launch.python, "-I", "-S", "-c", _AUDIT, report, path, *words],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=lab.environment(name),
            timeout=60,
            check=False,
        )
    return Audit(ran.returncode, ran.stdout.decode(), set(Path(report).read_text().split("\n")))


def hook(lab: Lab, event: str) -> Audit:
    lab.write_payload(event, source="startup", reason="prompt_input_exit")
    return audit(lab, "hook.py", "claude", event, stdin=lab.payload)


def verb(lab: Lab, *words: str) -> Audit:
    return audit(lab, "telex.py", *words, name="script")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(str(tmp_path))
    yield made
    made.close()


def send(lab: Lab, to: str = "", text: str = "the schema moved", kind: str = "note") -> str:
    with lab.bus("api") as bus:
        return bus.send(to or lab.address(bus), text, kind=kind).id


@pytest.mark.parametrize("event", EVENTS)
def test_a_hook_with_nothing_to_show_loads_nothing_heavy(lab: Lab, event: str) -> None:
    found = hook(lab, event)
    assert found.status == 0
    assert not found.heavy
    assert "telex.db.connection" in found.modules


@pytest.mark.parametrize("event", EVENTS)
def test_a_hook_with_mail_loads_nothing_heavy(lab: Lab, event: str) -> None:
    send(lab, kind="request")
    found = hook(lab, event)
    assert found.status == (WAKE if event == "FileChanged" else 0)
    assert ("the schema moved" in found.said) == (event in SHOWS)
    assert not found.heavy


def test_the_hook_loads_no_face_and_no_verb(lab: Lab) -> None:
    send(lab)
    loaded = {name.split(".")[1] for name in hook(lab, "UserPromptSubmit").modules if name.startswith("telex.")}
    assert loaded <= {"hook", "fs", "db", "mail", "team", "config", "core", "errors", "homes", "limits"}


def test_send_loads_nothing_heavy(lab: Lab) -> None:
    for to in ("@nobody-yet", "@api", "#room", "all"):
        with lab.bus("api") as bus:
            bus.join("#room")
        found = verb(lab, "send", to, "the", "schema", "moved")
        assert found.said.startswith("m"), found.said
        assert not found.heavy


def test_send_on_a_linked_machine_loads_nothing_heavy(lab: Lab) -> None:
    """Would break: a message for another machine needs JSON, and loading it costs a quarter of the send."""
    bench_cold.link_up(lab)
    with lab.bus("api") as bus:
        with bus.db.write():
            there = [directory.Resident(name="far", kind="session", client="claude", state="idle", channels=["room"])]
            directory.replace(bus.db, number(bench_cold.FAR), there, bus.clock())
        bus.join("#room")
    for to, leaves in (("@api", 0), ("@nobody-yet", 0), (f"@far@{bench_cold.FAR}", 1), ("@far", 1), ("#room", 1)):
        with lab.bus("api") as bus:
            before = outbox.waiting(bus.db)
        found = verb(lab, "send", to, "the", "schema", "moved", "for", to[1:])
        assert found.said.startswith("m"), found.said
        assert not found.heavy
        with lab.bus("api") as bus:
            assert outbox.waiting(bus.db) == before + leaves


def test_sending_to_a_name_like_another_loads_nothing_heavy(lab: Lab) -> None:
    send(lab)
    found = verb(lab, "send", "@apii", "hello")
    assert "did you mean @api?" in found.said
    assert not found.heavy


def test_reading_verbs_load_nothing_heavy(lab: Lab) -> None:
    send(lab, "@script", "first")
    assert verb(lab, "inbox").said.endswith("first\n")
    asked = send(lab, "@script", "which port?", "request")
    for words in (("inbox",), ("read",), ("reply", asked, "8080"), ("done", asked), ("read", asked), ("inbox",)):
        found = verb(lab, *words)
        assert found.status == 0, found.said
        assert not found.heavy, words


def test_wait_loads_nothing_heavy(lab: Lab) -> None:
    send(lab, "@script", "first")
    found = verb(lab, "wait", "--timeout", "5")
    assert "> first" in found.said
    assert found.heavy <= WAIT_MAY


@pytest.mark.parametrize(
    ("module", "planted"),
    [
        ("hook/delivery.py", "json"),
        ("mail/messages.py", "collections"),
        ("core/frame.py", "re"),
        ("mail/addresses.py", "typing"),
    ],
)
def test_a_planted_import_is_found(tmp_path: Path, module: str, planted: str) -> None:
    copy = tmp_path / "lib" / "telex"
    shutil.copytree(os.path.dirname(str(telex.__file__)), copy, ignore=shutil.ignore_patterns("__pycache__"))
    text = (copy / module).read_text()
    (copy / module).write_text(text.replace("\nfrom telex", f"\nimport {planted}\nfrom telex", 1))
    real = launchers.this_launch()
    lab = Lab(str(tmp_path), launch=Launch(python=real.python, import_dirs=[str(copy.parent), *real.import_dirs[1:]]))
    try:
        send(lab)
        found = hook(lab, "UserPromptSubmit")
        assert "the schema moved" in found.said
        assert planted in found.heavy
    finally:
        lab.close()
