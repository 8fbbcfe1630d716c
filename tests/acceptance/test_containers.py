"""Sessions in PID namespaces of their own: a container that shares telex's home, and a sandbox around one command.

A process's id means nothing in another namespace. So nobody there is called dead, ended, or replaced, and no name or
mail is given away. The namespaces are real; where none can be made, these tests say so and are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest
from tests.support.agent import AgentProcess
from tests.support.capability import lacking
from tests.support.cli import PYTHON_WORD, Ran, Shell
from tests.support.machine import DAY, Machine

from telex import limits
from telex.db.connection import Store
from telex.fs import processes
from telex.mail import addresses, retention

ROOT = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
NAMESPACE = ["unshare", *ROOT, "--pid", "--fork", "--mount-proc", "--kill-child"]
WITHOUT_PROC = ["unshare", *ROOT, "--pid", "--fork", "--kill-child"]
VARIABLES = {"claude": "CLAUDE_CODE_SESSION_ID", "codex": "CODEX_THREAD_ID"}


@pytest.fixture(autouse=True)
def namespaces() -> None:
    """PID namespaces of a test's own."""
    if not shutil.which("unshare") or subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode:
        lacking("a PID namespace of its own")


class Client:
    """A client's process, perhaps in a container; its hooks and its agent's commands are its children."""

    def __init__(
        self, shell: Shell, key: str, directory: str, client: str = "claude", inside: tuple[str, ...] = ()
    ) -> None:
        self.shell, self.key, self.client = shell, key, client
        self.work = shell.home / "projects" / directory
        self.work.mkdir(parents=True, exist_ok=True)
        self.said = ""  # by the hook of its start
        self._process = AgentProcess(shell.environment | {VARIABLES[client]: key}, self.work, inside)
        self.run = self._process.run  # one command of the client: a hook, or one of its agent
        self.kill = self._process.kill  # it is gone, with the container around it, and told nobody

    def hook(self, event: str, inside: str = "", **more: str) -> Ran:
        """One of its hooks; the client's process is the parent of the shell that runs it."""
        payload = json.dumps({"session_id": self.key, "cwd": str(self.work), "hook_event_name": event, **more})
        run = f"{PYTHON_WORD} -c 'from telex.hook import main; main()' {self.client} {event}"
        variable = "CLAUDE_PID=$PPID " if self.client == "claude" else ""
        process = "" if self.client == "claude" else " $PPID"
        return self.run(f"echo '{payload}' | {variable}{inside} {run}{process}")


@pytest.fixture
def clients(shell: Shell) -> Iterator[Callable[..., Client]]:
    """Start a client; all are ended afterwards."""
    started: list[Client] = []

    def start(key: str, directory: str, client: str = "claude", inside: list[str] | None = None) -> Client:
        made = Client(shell, key, directory, client, tuple(inside or ()))
        started.append(made)
        made.said = made.hook("SessionStart", source="startup").out
        return made

    yield start
    for one in started:
        one.kill()


def sessions(shell: Shell) -> dict[str, str]:
    """Name and state of every session, as the person's `telex who` has them."""
    return {
        one["name"]: one["state"] for one in shell.telex("who", "--json").json["sessions"] if one["kind"] == "session"
    }


def recorded(shell: Shell, key: str) -> addresses.Session:
    """A session as the store has it."""
    db = Store(str(shell.telex_home))
    found = next(one for client in VARIABLES if (one := addresses.session_by_key(db, client, key)))
    db.close()
    return found


# --- a container beside the host ------------------------------------------------------------------------------


@pytest.mark.parametrize("inside", [NAMESPACE, WITHOUT_PROC], ids=["a /proc of its own", "the host's /proc"])
def test_a_session_in_a_container_ends_nobody_and_everybody_sees_everybody(
    shell: Shell, clients: Callable[..., Client], inside: list[str]
) -> None:
    """Would break: every session of the host is offline, for everybody."""
    api = clients("api", "api")
    box = clients("box", "box", inside=inside)
    assert sessions(shell) == {"@api": "idle", "@box": "idle"}
    assert {one["name"] for one in json.loads(box.run("telex who --json").out)["sessions"]} >= {"@api", "@box"}
    for who, other in ((api, "@box"), (box, "@api")):
        assert "(idle, " in who.run(f"telex send {other} hello").out
    assert "@api" in box.run("telex send all lunch").out
    assert "@box" in api.run("telex send all lunch, too").out
    box.hook("UserPromptSubmit")
    box.hook("Stop")
    assert sessions(shell) == {"@api": "idle", "@box": "idle"}


def test_who_and_receipts_say_where_it_is_and_when_it_was_seen(shell: Shell, clients: Callable[..., Client]) -> None:
    clients("api", "api")
    box = clients("box", "box", inside=NAMESPACE)
    there = {one["name"]: one["away"] for one in shell.telex("who", "--json").json["sessions"]}
    assert (there["@api"], there["@box"]) == ("", "in another container")
    assert "idle, in another container" in shell.telex("who").out
    assert "@box (idle, in another container, last seen " in shell.telex("send", "@box", "hello").out
    if processes.space().split(":")[1] == processes.OUTERMOST:
        assert "@api (idle, outside this container, last seen " in box.run("telex send @api hello").out


def test_a_containers_name_and_mail_are_nobody_elses(shell: Shell, clients: Callable[..., Client]) -> None:
    """Would break: a session of the host in another directory of that name is shown the container's mail."""
    box = clients("box", "api", inside=NAMESPACE)
    shell.telex("send", "@api", "for the container")
    host = clients("host", "other/api")
    assert "for the container" not in host.said + host.hook("UserPromptSubmit").out
    assert json.loads(host.run("telex name --json").out)["name"] == "@api-2"
    assert json.loads(box.run("telex name --json").out)["name"] == "@api"
    assert "for the container" in box.hook("UserPromptSubmit").out
    second = clients("second", "third/api", inside=NAMESPACE)
    assert json.loads(second.run("telex name --json").out)["name"] == "@api-3"


def test_equal_process_ids_of_two_containers_are_two_processes(shell: Shell, clients: Callable[..., Client]) -> None:
    """Would break: the first process of each container is process 1, and one session answers as the other."""
    one = clients("one", "one", inside=NAMESPACE)
    two = clients("two", "two", inside=NAMESPACE)
    assert recorded(shell, "one").pid == recorded(shell, "two").pid
    for client, name in ((one, "@one"), (two, "@two")):
        line = f"env -u {VARIABLES['claude']} telex name --json"
        assert json.loads(client.run(line).out)["name"] == name


def test_the_host_sees_when_a_container_is_gone(shell: Shell, clients: Callable[..., Client]) -> None:
    if processes.space().split(":")[1] != processes.OUTERMOST:
        pytest.skip("these tests run in a container themselves")
    box = clients("box", "box", inside=NAMESPACE)
    assert sessions(shell) == {"@box": "idle"}
    box.kill()
    assert sessions(shell) == {}
    assert json.loads(clients("host", "box").run("telex name --json").out)["name"] == "@box"


def test_a_container_never_sees_that_another_is_gone(shell: Shell, clients: Callable[..., Client]) -> None:
    one = clients("one", "api", inside=NAMESPACE)
    one.kill()
    two = clients("two", "other/api", inside=NAMESPACE)
    assert json.loads(two.run("telex name --json").out)["name"] == "@api-2"


def test_a_session_that_is_continued_in_another_container_has_its_name_and_mail(
    shell: Shell, clients: Callable[..., Client]
) -> None:
    first = clients("api", "api", inside=NAMESPACE)
    first.kill()
    shell.telex("send", "@api", "are you back?")
    again = clients("api", "api", inside=NAMESPACE)
    assert json.loads(again.run("telex name --json").out)["name"] == "@api"
    assert "are you back?" in again.said + again.hook("UserPromptSubmit").out


# --- a sandbox around one command -----------------------------------------------------------------------------


@pytest.mark.parametrize("client", ["claude", "codex"])
@pytest.mark.parametrize("sandbox", [NAMESPACE, WITHOUT_PROC], ids=["a /proc of its own", "the host's /proc"])
def test_a_sandboxed_command_is_its_session_and_changes_no_process(
    shell: Shell, clients: Callable[..., Client], client: str, sandbox: list[str]
) -> None:
    """Would break: Codex's and Claude Code's bubblewrap give each command a namespace of its own."""
    docs = clients("docs", "docs")
    api = clients("api", "api", client)
    before = recorded(shell, "api")
    for command in ("who", "inbox", "send @docs two", "name", "read", "join '#x'"):
        assert api.run(f"{' '.join(sandbox)} telex {command}").status == 0, command
        now = recorded(shell, "api")
        assert (now.pid, now.pid_started, now.space, now.twin_pid) == (before.pid, before.pid_started, before.space, 0)
    assert json.loads(api.run(f"{' '.join(sandbox)} telex name --json").out)["name"] == "@api"
    assert sessions(shell) == {"@docs": "idle", "@api": "idle"}
    assert "m1 from @api" in docs.hook("UserPromptSubmit").out
    assert json.loads(clients("other", "other/api").run("telex name --json").out)["name"] == "@api-2"


@pytest.mark.parametrize("event", ["UserPromptSubmit", "PostToolUse", "Stop"])
def test_a_sandboxed_hook_changes_no_process(shell: Shell, clients: Callable[..., Client], event: str) -> None:
    api = clients("api", "api", "codex")
    before = recorded(shell, "api")
    shell.telex("send", "@api", "hello")
    assert "hello" in api.hook(event, inside=" ".join(NAMESPACE)).out
    assert (recorded(shell, "api").pid, recorded(shell, "api").space) == (before.pid, before.space)
    assert list(sessions(shell)) == ["@api"]


@pytest.mark.parametrize("variable", VARIABLES.values())
def test_a_sandboxed_command_whose_session_is_unknown_is_nobody(shell: Shell, variable: str) -> None:
    line = f"{variable}=unknown {' '.join(NAMESPACE)} telex send @docs hello --json"
    ran = shell.sh(line)
    assert (ran.status, ran.error["code"]) == (3, "who-are-you")
    assert sessions(shell) == {}


def test_a_sandboxed_agent_calls_nobodys_process(shell: Shell, clients: Callable[..., Client]) -> None:
    """Would break: the Codex whose id is 7 outside is called by the queue of whatever is 7 inside."""
    api = clients("api", "api")
    clients("cx", "cx", "codex")
    ran = api.run(f"{' '.join(NAMESPACE)} telex send @cx hello")
    assert "the mail waits for its next prompt" in ran.out
    assert not os.path.exists(f"{shell.telex_home}/calls/cx")


# --- what is known of a namespace, without one ----------------------------------------------------------------


@pytest.fixture
def spaces(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Say in which namespace this process is."""

    def enter(space: str) -> None:
        monkeypatch.setattr(processes, "space", lambda: space)

    return enter


HOST, BOX, OTHER = f"b1:{processes.OUTERMOST}:1", "b1:4026532999:900", "b1:4026532999:1200"


def test_an_inode_that_is_used_again_is_another_namespace(machine: Machine, spaces: Callable[[str], None]) -> None:
    spaces(BOX)
    api = machine.arrive("/src/api")
    spaces(OTHER)
    assert not addresses.sessions_in(machine.db, api.session.pid)
    assert addresses.session_by_pid(machine.db, api.session.pid) is None
    assert api.session.away == "in another container"


def test_after_a_reboot_nobody_lives_and_names_are_free(
    machine: Machine, spaces: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    spaces(HOST)
    api = machine.arrive("/src/api", key="one")
    machine.clock.pass_by(60)
    monkeypatch.setattr(processes, "_booted_ms", machine.clock)
    spaces(f"b2:{processes.OUTERMOST}:1")
    assert not api.session.lives()
    assert machine.arrive("/src/other/api").at == "@api"


def test_another_kernel_that_shares_the_home_is_no_reboot(
    machine: Machine, spaces: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virtual machine: it was heard of after this one was started."""
    monkeypatch.setattr(processes, "_booted_ms", lambda: machine.clock() - 1)
    spaces(HOST)
    api = machine.arrive("/src/api")
    spaces(f"b2:{processes.OUTERMOST}:1")
    assert api.session.lives()
    assert machine.arrive("/src/other/api").at == "@api-2"


@pytest.mark.parametrize(
    ("of", "own", "lives"),
    [
        ("", HOST, False),
        ("", BOX, True),
        (processes.UNKNOWN, HOST, True),
        (HOST, processes.UNKNOWN, True),
        (BOX, OTHER, True),
    ],
)
def test_what_cannot_be_told_is_not_called_dead(
    machine: Machine, spaces: Callable[[str], None], of: str, own: str, lives: bool
) -> None:
    spaces(of)
    api = machine.arrive("/src/api")
    machine.crash(api)
    spaces(own)
    assert api.session.lives() is lives


@pytest.mark.parametrize("marks", [True, False], ids=["its gate has noted prompts", "silent"])
def test_who_was_not_heard_of_for_days_is_gone(machine: Machine, spaces: Callable[[str], None], marks: bool) -> None:
    spaces(BOX)
    api = machine.arrive("/src/api")
    spaces(OTHER)
    machine.clock.pass_by(limits.AWAY_DAYS * DAY + 60)
    if marks:
        api.marks("ps")
    with machine.db.write():
        retention.end_dead(machine.db, machine.clock())
    assert api.session.lives() is marks


def test_a_look_that_believes_every_process_id_is_noticed(
    machine: Machine, spaces: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "sight", lambda of, seen_ms: processes.HERE)
    with pytest.raises(AssertionError):
        test_what_cannot_be_told_is_not_called_dead(machine, spaces, BOX, OTHER, True)
