"""Who the caller is, without being told: rules in order, and what no process may claim."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from tests.support.machine import HOUR, USER, Machine

from telex.bus import Bus
from telex.bus.agents import HINTS, MARKS, WORDS
from telex.bus.identity import SESSION_VARIABLES, Caller, bell_of, identify
from telex.errors import NameInvalid, NameReserved, NameTaken, NotYourName, PersonOnly, WhoAreYou
from telex.fs import bells, processes
from telex.mail import addresses

TERMINAL = 500  # a shell that the person types into
Identify = Callable[..., Caller]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> dict[int, list[int]]:
    """Who started whom: each process with all above it."""
    table: dict[int, list[int]] = {}
    monkeypatch.setattr(processes, "ancestors", lambda pid: table.get(pid, [pid, TERMINAL, 1]))
    monkeypatch.setattr(os, "getppid", lambda: TERMINAL)
    return table


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> dict[int, str]:
    """Which client's program each process is."""
    table: dict[int, str] = {}
    monkeypatch.setattr(processes, "is_program", lambda pid, client: table.get(pid) == client)
    return table


@pytest.fixture(params=[True, False], ids=["at a terminal", "without a terminal"])
def terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the caller has a terminal: both are tried."""
    monkeypatch.setattr(processes, "has_terminal", lambda: request.param)
    there: bool = request.param
    return there


@pytest.fixture
def who(machine: Machine, lines: dict[int, list[int]]) -> Identify:
    """`who(pid, VARIABLE=…)`: the caller that this process is."""
    machine.processes.start(TERMINAL)

    def ask(pid: int = 900, name: str = "", reads: bool = False, **environment: str) -> Caller:
        return identify(machine.db, machine.clock(), environment, "/src/here", pid, name, reads=reads)

    return ask


# --- rule 1: a process under a live session's process is that session ---------------------------------------


def test_a_command_of_a_session_is_that_session(machine: Machine, lines: dict[int, list[int]], who: Identify) -> None:
    api = machine.arrive("/src/api")
    lines[900] = [900, 899, api.session.pid, TERMINAL, 1]
    assert who().address.name == "api"
    assert who().session == api.session


@pytest.mark.parametrize(
    "claim",
    [
        {"CLAUDE_CODE_SESSION_ID": "victim"},
        {"CODEX_THREAD_ID": "victim"},
        {"TELEX_NAME": "victim"},
        {"TELEX_NAME": USER},
        {"name": USER},
        {"name": "victim"},
        {},
    ],
)
def test_a_session_cannot_become_another_by_its_environment(
    machine: Machine, lines: dict[int, list[int]], who: Identify, claim: dict[str, str]
) -> None:
    api = machine.arrive("/src/api")
    machine.arrive("/src/victim", key="victim")
    lines[900] = [900, 899, api.session.pid, TERMINAL, 1]
    assert who(**claim).address.name == "api"


def test_after_a_clear_the_old_environment_does_not_matter(
    machine: Machine, lines: dict[int, list[int]], who: Identify
) -> None:
    before = machine.arrive("/src/api", key="old")
    pid = before.session.pid
    after = machine.arrive("/src/api", key="new", pid=pid, follows=True)
    lines[900] = [900, pid, 1]
    assert who(CLAUDE_CODE_SESSION_ID="old").session == after.session


def test_the_nearest_session_counts(machine: Machine, lines: dict[int, list[int]], who: Identify) -> None:
    outer, inner = machine.named("outer", "inner")
    lines[900] = [900, inner.session.pid, 899, outer.session.pid, 1]
    assert who().address.name == "inner"


def test_both_terminals_of_one_session_are_that_session(
    machine: Machine, lines: dict[int, list[int]], who: Identify
) -> None:
    first, second = machine.processes.start(), machine.processes.start()
    machine.arrive("/src/api", key="one", pid=first)
    machine.arrive("/src/api", key="one", pid=second)
    for pid in (first, second):
        lines[900] = [900, pid, 1]
        assert who().address.name == "api"


def test_an_ended_or_crashed_session_speaks_for_nobody(
    machine: Machine, lines: dict[int, list[int]], who: Identify
) -> None:
    ended, crashed = machine.named("ended", "crashed")
    ended.quit()
    machine.crash(crashed)
    for seat in (ended, crashed):
        lines[900] = [900, seat.session.pid, 1]
        assert who().address.kind == "person"


def test_a_process_id_that_was_used_again_is_nobodys_session(
    machine: Machine, lines: dict[int, list[int]], who: Identify
) -> None:
    machine.arrive("/src/api", pid=machine.processes.start(77))
    machine.processes.start(77)
    lines[900] = [900, 77, 1]
    assert who().address.kind == "person"


def test_after_resuming_an_older_conversation_its_environment_cannot_name_another(
    machine: Machine, lines: dict[int, list[int]], who: Identify
) -> None:
    pid = machine.processes.start()
    machine.arrive("/src/old", key="old").quit()
    machine.arrive("/src/new", key="new", pid=pid).quit()
    machine.arrive("/src/victim", key="victim")
    machine.arrive("/src/old", key="old", pid=pid)
    lines[900] = [900, pid, 1]
    assert who(CLAUDE_CODE_SESSION_ID="victim").address.name == "old"


def test_the_shell_that_a_named_script_runs_in_is_no_agent(
    machine: Machine, lines: dict[int, list[int]], who: Identify
) -> None:
    assert who(TELEX_NAME="ci").address.name == "ci"
    assert who().address.kind == "person"  # the next command in the same terminal, without the variable


# --- rule 2: a client's own session id ------------------------------------------------------------------------


@pytest.mark.parametrize(("variable", "client"), SESSION_VARIABLES)
def test_a_clients_id_names_its_session_below_a_process_of_that_client(
    machine: Machine, lines: dict[int, list[int]], programs: dict[int, str], who: Identify, variable: str, client: str
) -> None:
    parent = machine.processes.start()
    programs[parent] = client
    lines[900] = [900, 899, parent, TERMINAL, 1]
    first = who(**{variable: "thread-1"})
    assert first.session is not None
    assert (first.address.name, first.client, first.session.pid) == ("here", client, parent)
    assert who(**{variable: "thread-1"}).session == first.session
    assert first.session.lives()


def test_the_client_says_its_own_process(machine: Machine, lines: dict[int, list[int]], who: Identify) -> None:
    pid = machine.processes.start()
    lines[900] = [900, 899, pid, TERMINAL, 1]
    found = who(CLAUDE_CODE_SESSION_ID="one", CLAUDE_PID=str(pid))
    assert found.session is not None
    assert found.session.pid == pid


@pytest.mark.parametrize("word", ["", "x", "-1", "1e3", "٣", "12345"])
def test_a_process_that_is_none_or_not_above_is_ignored(
    machine: Machine, lines: dict[int, list[int]], programs: dict[int, str], who: Identify, word: str
) -> None:
    lines[900] = [900, 899, 898]
    programs[898] = "claude"
    found = who(CLAUDE_CODE_SESSION_ID="one", CLAUDE_PID=word)
    assert found.session is not None
    assert found.session.pid == 898


@pytest.mark.parametrize(("variable", "client"), SESSION_VARIABLES)
@pytest.mark.parametrize("ended", [True, False, None], ids=["ended", "crashed", "never named by a hook"])
def test_an_id_that_a_session_left_behind_is_no_session(
    machine: Machine, who: Identify, terminal: bool, variable: str, client: str, ended: bool | None
) -> None:
    """A pane of a multiplexer that was started inside a session: its variables live on in it."""
    if ended is not None:
        seat = machine.arrive("/src/api", key="thread-1", client=client)
        seat.quit() if ended else machine.crash(seat)
    before = list(machine.db.rows("people.roster"))
    inherited = {variable: "thread-1", next(mark for mark, of in MARKS.items() if of == client): "1"}
    inherited |= {"AI_AGENT": f"{client}/1.0"}
    if terminal:
        assert who(**inherited).address.kind == "person"
    else:
        with pytest.raises(WhoAreYou):
            who(**inherited)
    assert list(machine.db.rows("people.roster")) == before
    assert machine.arrive("/src/api").at == "@api"


@pytest.mark.parametrize("mark", ["CURSOR_AGENT", "AI_AGENT", "CODEX_SANDBOX"])
def test_what_a_session_left_behind_excuses_no_other_agent(machine: Machine, who: Identify, mark: str) -> None:
    with pytest.raises(WhoAreYou):
        who(CLAUDE_CODE_SESSION_ID="gone", CLAUDECODE="1", **{mark: "another"})


def test_a_command_that_left_its_process_tree_is_still_its_live_session(machine: Machine, who: Identify) -> None:
    api = machine.arrive("/src/api", key="one")
    assert who(CLAUDE_CODE_SESSION_ID="one").session == api.session


def test_a_wish_in_the_environment_names_the_session(
    machine: Machine, lines: dict[int, list[int]], programs: dict[int, str], who: Identify
) -> None:
    programs[899] = "codex"
    lines[900] = [900, 899]
    assert who(CODEX_THREAD_ID="one", TELEX_NAME="lead").address.name == "lead"


def test_an_ended_session_that_still_speaks_below_its_client_is_there_again(
    machine: Machine, lines: dict[int, list[int]], programs: dict[int, str], who: Identify
) -> None:
    api = machine.arrive("/src/api", key="one")
    programs[api.session.pid] = "claude"
    lines[900] = [900, api.session.pid]
    api.quit()
    assert who(CLAUDE_CODE_SESSION_ID="one").address.name == "api"
    assert not api.session.ended_ms


def test_a_crashed_session_that_comes_back_elsewhere_lives_again(
    machine: Machine, lines: dict[int, list[int]], programs: dict[int, str], who: Identify
) -> None:
    first, second = machine.processes.start(), machine.processes.start()
    programs |= {first: "codex", second: "codex"}
    lines[900] = [900, 899, first]
    assert who(CODEX_THREAD_ID="one").address.name == "here"
    machine.processes.kill(first)
    lines[900] = [900, 899, second]
    found = who(CODEX_THREAD_ID="one")
    assert found.session is not None
    assert (found.address.name, found.session.pid, found.session.lives()) == ("here", second, True)


def test_a_crashed_session_never_speaks_under_a_name_that_another_holds_now(
    machine: Machine, lines: dict[int, list[int]], programs: dict[int, str], who: Identify
) -> None:
    first, second = machine.processes.start(), machine.processes.start()
    programs |= {first: "codex", second: "codex"}
    lines[900] = [900, 899, first]
    assert who(CODEX_THREAD_ID="one").address.name == "here"
    machine.processes.kill(first)
    newcomer = machine.arrive("/src/here")
    assert newcomer.at == "@here"
    lines[900] = [900, 899, second]
    assert who(CODEX_THREAD_ID="one").address.name == "here-2"


def test_an_id_that_is_no_text_is_still_one_session(
    machine: Machine, lines: dict[int, list[int]], programs: dict[int, str], who: Identify
) -> None:
    lines[900] = [900, 899]
    programs[899] = "claude"
    first = who(CLAUDE_CODE_SESSION_ID="\udcff/../..")
    assert who(CLAUDE_CODE_SESSION_ID="\udcff/../..").session == first.session


# --- a verb that reads --------------------------------------------------------------------------------------


@pytest.mark.parametrize("environment", [{"CODEX_THREAD_ID": "one"}, {"TELEX_NAME": "ci"}, {}])
def test_a_verb_that_reads_registers_nobody(
    machine: Machine, lines: dict[int, list[int]], programs: dict[int, str], who: Identify, environment: dict[str, str]
) -> None:
    programs[899] = "codex"
    lines[900] = [900, 899]
    who(reads=True, **environment)
    assert [one[2] for one in machine.db.rows("people.roster")] == [USER]
    assert list(machine.db.rows("people.open_sessions")) == []
    assert who(**environment).address.id  # and one that writes does


def test_a_reader_is_shown_what_waits_at_the_name(machine: Machine, who: Identify) -> None:
    machine.person.send("@ci", "hello")
    found = who(reads=True, TELEX_NAME="ci")
    assert machine.db.value("mail.waiting_count", found.address.id) == 1
    assert not found.is_agent and not addresses.holder(machine.db, found.address)


# --- rule 4: an agent that does not say who it is --------------------------------------------------------------


@pytest.mark.parametrize("mark", MARKS)
def test_an_unknown_agent_is_never_the_person(who: Identify, mark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "has_terminal", lambda: mark not in [variable for variable, _ in SESSION_VARIABLES])
    with pytest.raises(WhoAreYou, match="which session it belongs to cannot be told"):
        who(**{mark: "1"})


@pytest.mark.parametrize(
    "environment", [*({one: "1"} for one in (*HINTS, "CLINE_X")), *({a: f"/x/{b}"} for a, b in WORDS)]
)
def test_what_people_have_too_makes_an_agent_only_without_a_terminal(
    who: Identify, terminal: bool, environment: dict[str, str]
) -> None:
    if terminal:
        assert who(**environment).address.kind == "person"
    else:
        with pytest.raises(WhoAreYou):
            who(**environment)


@pytest.mark.parametrize(
    "environment", [{"CODEX_HOME": "/x"}, {"CLAUDE_CONFIG_DIR": "/x"}, {"EDITOR": "vim"}, {"AGENT": ""}]
)
def test_what_people_set_for_a_client_makes_them_no_agent(
    who: Identify, terminal: bool, environment: dict[str, str]
) -> None:
    assert who(**environment).address.kind == "person"


@pytest.mark.parametrize("mark", ["CURSOR_AGENT", "CLAUDECODE", "AI_AGENT"])
def test_an_unknown_agent_may_have_a_name_of_its_own_and_stays_an_agent(who: Identify, mark: str) -> None:
    found = who(**{mark: "1", "TELEX_NAME": "helper"})
    assert (found.address.name, found.address.kind, found.is_agent) == ("helper", "session", True)
    assert not who(TELEX_NAME="script").is_agent


@pytest.mark.parametrize("name", [USER, "@" + USER, USER.upper()])
def test_an_unknown_agent_may_not_call_itself_the_person(who: Identify, name: str) -> None:
    with pytest.raises(NameTaken, match="held by the person"):
        who(CLAUDECODE="1", TELEX_NAME=name)


# --- rule 3: a name ------------------------------------------------------------------------------------------


def test_the_same_name_is_the_same_sender_from_whichever_process(machine: Machine, who: Identify) -> None:
    first, second = who(pid=901, TELEX_NAME="ci"), who(pid=902, TELEX_NAME="CI")
    assert first.address == second.address
    assert first.client == "shell"
    assert who(pid=903, name="ci").address == first.address


def test_a_script_is_the_same_sender_after_its_shell_is_gone(
    machine: Machine, who: Identify, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = who(TELEX_NAME="ci")
    machine.processes.kill(TERMINAL)
    other = machine.processes.start()
    monkeypatch.setattr(os, "getppid", lambda: other)
    again = who(TELEX_NAME="ci")
    assert again.address.id == first.address.id
    assert again.session is not None
    assert again.session.pid == other


@pytest.mark.parametrize("shell_is_gone", [False, True])
def test_a_script_that_took_another_name_is_the_same_sender_under_both(
    machine: Machine, who: Identify, monkeypatch: pytest.MonkeyPatch, shell_is_gone: bool
) -> None:
    bus = Bus(machine.db, name="bob", clock=machine.clock)
    assert bus.rename("bobby") == "@bobby"
    machine.person.send("@bobby", "hello")
    machine.person.send("@bob", "and to the old name")
    machine.clock.pass_by(3 * HOUR)  # the old name leads nobody else any more
    if shell_is_gone:
        machine.processes.kill(TERMINAL)
        monkeypatch.setattr(os, "getppid", machine.processes.start)
    for name in ("bobby", "bob", "bobby"):
        for reads in (True, False):
            found = who(TELEX_NAME=name, reads=reads)
            assert (found.address.name, found.client) == ("bobby", "shell")
            assert machine.db.value("mail.waiting_count", found.address.id) == 2
    assert [one[2] for one in machine.db.rows("people.roster")] == [USER, "bobby"]


def test_a_live_sessions_name_is_not_for_a_script(machine: Machine, who: Identify) -> None:
    machine.arrive("/src/api")
    with pytest.raises(NameTaken, match="@api is held by a live session"):
        who(TELEX_NAME="api")


def test_a_name_that_leads_to_a_live_session_is_not_for_a_script_either(machine: Machine, who: Identify) -> None:
    machine.arrive("/src/api").rename("backend")
    with pytest.raises(NameTaken):
        who(TELEX_NAME="api")


def test_a_name_that_nobody_lives_at_is_free(machine: Machine, who: Identify) -> None:
    api = machine.arrive("/src/api")
    machine.person.send("@api", "hello")
    machine.crash(api)
    assert who(TELEX_NAME="api").address.name == "api"


@pytest.mark.parametrize(("name", "problem"), [("a b", NameInvalid), ("telex", NameReserved), ("\udcff", NameInvalid)])
def test_a_wrong_name_is_refused(who: Identify, name: str, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        who(TELEX_NAME=name)


@pytest.mark.parametrize("name", ["person", "h-person", "70f7a1c2-0000-4000-8000-000000000000"])
def test_a_name_never_becomes_somebody_elses_bell(machine: Machine, who: Identify, name: str) -> None:
    victim = machine.arrive("/src/victim", key=name)
    machine.person.send("@victim", "hello")
    script = who(TELEX_NAME=name)
    assert bell_of(script) not in (victim.me.address.bell, machine.person.me.address.bell)
    assert not bells.rings(machine.home, bell_of(script))


# --- rule 5: the person --------------------------------------------------------------------------------------


def test_whoever_is_left_is_the_person(machine: Machine, who: Identify) -> None:
    found = who()
    assert (found.address.name, found.address.kind, found.session, found.client) == (USER, "person", None, "")
    assert bell_of(found) == addresses.PERSON_BELL


def test_an_empty_variable_is_none(who: Identify) -> None:
    assert who(CLAUDE_CODE_SESSION_ID="", TELEX_NAME="", CLAUDECODE="").address.kind == "person"


# --- claims -------------------------------------------------------------------------------------------------


class Claiming:
    """A bus whose process is somebody."""

    def __init__(self, machine: Machine, patch: pytest.MonkeyPatch) -> None:
        self.machine = machine
        self.patch = patch

    def bus(self, name: str = "", **environment: str) -> Bus:
        for variable, value in environment.items():
            self.patch.setenv(variable, value)
        return Bus(self.machine.db, name=name, clock=self.machine.clock)


@pytest.fixture
def claiming(machine: Machine, lines: dict[int, list[int]], monkeypatch: pytest.MonkeyPatch) -> Claiming:
    machine.processes.start(TERMINAL)
    return Claiming(machine, monkeypatch)


def test_the_person_may_send_as_a_script(claiming: Claiming) -> None:
    bus = claiming.bus()
    bus.claim("release-bot")
    bus.send(f"@{USER}", "v2 is out")
    assert [one.sender for one in claiming.machine.person.inbox()] == ["@release-bot"]


@pytest.mark.parametrize("own", ["ci", "@ci", "CI"])
def test_ones_own_name_may_be_claimed(claiming: Claiming, own: str) -> None:
    for bus in (claiming.bus(name="ci"), claiming.bus(TELEX_NAME="ci")):
        bus.claim(own)
        assert bus.me.address.name == "ci"


def test_the_person_may_call_themselves_by_name(claiming: Claiming) -> None:
    bus = claiming.bus()
    bus.claim(USER)
    assert bus.me.address.kind == "person"


@pytest.mark.parametrize("claimed", [USER, "web", "nobody-yet"])
def test_an_agent_may_claim_no_other_name(claiming: Claiming, lines: dict[int, list[int]], claimed: str) -> None:
    api, _ = claiming.machine.named("api", "web")
    lines[os.getpid()] = [os.getpid(), api.session.pid, 1]
    bus = claiming.bus()
    with pytest.raises(NotYourName, match=f"you are @api, not @{claimed}"):
        bus.claim(claimed)
    assert bus.me.address.name == "api"


def test_an_unknown_agent_may_claim_nothing(claiming: Claiming) -> None:
    with pytest.raises(WhoAreYou):
        claiming.bus(CLAUDECODE="1").claim("helper")


def test_a_live_sessions_name_may_not_be_claimed(claiming: Claiming) -> None:
    claiming.machine.arrive("/src/api")
    with pytest.raises(NameTaken):
        claiming.bus().claim("api")


def test_a_named_script_may_claim_no_other_name(claiming: Claiming) -> None:
    with pytest.raises(NotYourName, match="you are @ci, not @cd"):
        claiming.bus(TELEX_NAME="ci").claim("cd")


@pytest.mark.parametrize(
    "act",
    [
        lambda bus: bus.set_setting("hops_most", "1000"),
        lambda bus: bus.set_setting("hops_most", None),
        lambda bus: bus.take_in([]),
        lambda bus: bus.purge(older_than_s=0),
    ],
)
def test_limits_and_history_are_not_an_agents_to_change(
    claiming: Claiming, lines: dict[int, list[int]], act: Callable[[Bus], object]
) -> None:
    [api] = claiming.machine.named("api")
    act(claiming.bus())
    lines[os.getpid()] = [os.getpid(), api.session.pid, 1]
    with pytest.raises(PersonOnly, match="is the person's to do, and you are @api"):
        act(claiming.bus())


def test_a_bus_that_believes_the_environment_is_noticed(
    machine: Machine, lines: dict[int, list[int]], who: Identify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "ancestors", lambda pid: [pid])
    with pytest.raises(AssertionError):
        test_a_session_cannot_become_another_by_its_environment(
            machine, lines, who, {"CLAUDE_CODE_SESSION_ID": "victim"}
        )
