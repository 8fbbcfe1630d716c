"""Who holds which name: newcomers, twins, resumed and crashed sessions, `/clear`, renames, channels of a place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.machine import HOUR, USER, Machine, Seat

from telex.errors import NameInvalid, NameReserved, NameTaken
from telex.fs import bells, processes
from telex.mail import addresses


def channels(seat: Seat) -> list[str]:
    """The channels it is a member of."""
    return [one.name for one in seat.channels() if one.mine]


# --- a newcomer's name ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"directory": "/src/frontend"}, "@frontend"),
        ({"directory": "/src/My Project/"}, "@my-project"),
        ({"directory": "/src/frontend", "title": "feature-auth"}, "@feature-auth"),
        ({"directory": "/src/frontend", "title": "feature-auth", "wish": "lead"}, "@lead"),
        ({"directory": "/src/frontend", "wish": "日本"}, "@frontend"),
        ({"directory": "/src/frontend", "title": "日本", "wish": "!!"}, "@frontend"),
        ({"directory": "/"}, "@session"),
        ({"directory": ""}, "@session"),
        ({"directory": "/src/日本"}, "@src"),
        ({"directory": "/src/all"}, "@all-1"),
        ({"directory": "/x", "wish": "telex"}, "@telex-1"),
    ],
)
def test_a_name_comes_from_its_wish_then_the_title_then_the_directory(
    machine: Machine, given: dict[str, str], name: str
) -> None:
    assert machine.arrive(**given).at == name  # type: ignore[arg-type]


def test_several_in_one_directory_are_numbered(machine: Machine) -> None:
    assert [machine.arrive("/src/api").at for _ in range(4)] == ["@api", "@api-2", "@api-3", "@api-4"]


def test_a_twin_never_takes_a_name_that_somebody_else_was_given(machine: Machine) -> None:
    second = machine.arrive(wish="api-2")
    assert [machine.arrive("/src/api").at for _ in range(2)] == ["@api", "@api-3"]
    assert second.at == "@api-2"


def test_after_all_twins_a_newcomer_is_refused(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telex.limits.NAME_TWINS", 3)
    for _ in range(3):
        machine.arrive("/src/api")
    with pytest.raises(NameTaken, match="held by 3 others"):
        machine.arrive("/src/api")


def test_mail_that_waited_at_a_name_is_for_whoever_comes_to_hold_it(machine: Machine) -> None:
    machine.person.send("@api", "for whoever comes")
    api = machine.arrive("/src/api")
    assert api.rings()
    assert "for whoever comes" in api.hook()


# --- the person's name ------------------------------------------------------------------------------------


def test_the_persons_name_is_never_a_sessions(machine: Machine) -> None:
    assert [machine.arrive(f"/home/{USER}").at, machine.arrive(wish=USER).at] == [f"@{USER}-2", f"@{USER}-3"]
    assert machine.person.at == f"@{USER}"


def test_the_name_is_the_persons_even_when_a_session_comes_first(tmp_path: Path, machine: Machine) -> None:
    with machine.db.write():
        machine.db.run("people.drop_address", machine.person.me.address.id)
    assert machine.arrive(f"/home/{USER}").at == f"@{USER}-2"
    assert machine.person.at == f"@{USER}"


def test_a_session_that_was_named_so_before_there_was_a_person_keeps_its_name(machine: Machine) -> None:
    with machine.db.write():
        machine.db.run("people.drop_address", machine.person.me.address.id)
        place = addresses.awaited(machine.db, USER, machine.clock())
        machine.db.run("people.hold", 1, "bell", place.id)
        assert addresses.person(machine.db, USER, machine.clock()).name == f"{USER}-2"


def test_mail_that_waited_for_the_person_becomes_theirs(machine: Machine) -> None:
    api = machine.arrive("/src/api")
    with machine.db.write():
        machine.db.run("people.drop_address", machine.person.me.address.id)
    api.send(f"@{USER}", "are you there?")
    with machine.db.write():
        addresses.person(machine.db, USER, machine.clock())
    assert machine.person.heard() == ["are you there?"]


def test_there_is_one_person_whatever_they_are_called(machine: Machine) -> None:
    machine.person.rename("boss")
    machine.arrive("/src/api")
    machine.clock.pass_by(3 * HOUR)
    with machine.db.write():
        assert addresses.person(machine.db, USER, machine.clock()).name == "boss"
    assert len(list(machine.db.rows("people.persons"))) == 1


def test_too_many_sessions_named_like_the_person_leave_no_place(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with machine.db.write():
        machine.db.run("people.drop_address", machine.person.me.address.id)
        for number in (1, 2):
            place = addresses.awaited(machine.db, f"{USER}-{number}" if number > 1 else USER, machine.clock())
            machine.db.run("people.hold", 1, "bell", place.id)
    monkeypatch.setattr("telex.limits.NAME_TWINS", 2)
    with machine.db.write(), pytest.raises(NameTaken):
        addresses.person(machine.db, USER, machine.clock())


def test_the_person_is_called_as_the_os_user_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 987_654_321)
    monkeypatch.setenv("USER", "Dana Doe")
    assert addresses.user_name() == "dana-doe"
    monkeypatch.delenv("USER")
    monkeypatch.delenv("USERNAME", raising=False)
    assert addresses.user_name() == "person"


# --- coming back ------------------------------------------------------------------------------------------


def test_a_resumed_session_has_its_name_and_mail_back(machine: Machine) -> None:
    api = machine.arrive("/src/api", key="one")
    api.quit()
    machine.person.send("@api", "while you were away")
    again = machine.arrive("/src/elsewhere", key="one")
    assert again.at == "@api"
    assert "while you were away" in again.hook()


def test_a_compacted_session_stays_who_it_is(machine: Machine) -> None:
    machine.arrive("/src/api")
    second = machine.arrive("/src/api", key="two")
    machine.arrive("/src/api", key="two", pid=second.session.pid)
    assert second.at == "@api-2"


@pytest.mark.parametrize("wish", ["w" * 64, "w" * 63, "w" * 62])
def test_a_twin_of_a_long_name_does_not_wander(machine: Machine, wish: str) -> None:
    machine.arrive(wish=wish)
    second = machine.arrive(wish=wish, key="two")
    name = second.at
    for _ in range(3):
        machine.arrive(wish=wish, key="two", pid=second.session.pid)
    assert second.at == name


def test_a_name_chosen_while_it_ran_outlives_its_wish(machine: Machine) -> None:
    api = machine.arrive(wish="api", key="one")
    api.rename("backend")
    machine.arrive(wish="api", key="one", pid=api.session.pid)
    assert api.at == "@backend"
    api.quit()
    assert machine.arrive(wish="api", key="one").at == "@backend"


def test_a_new_wish_gives_a_new_name(machine: Machine) -> None:
    front = machine.arrive("/src/front-end", key="one")
    front.quit()
    assert machine.arrive("/src/front-end", key="one", wish="front").at == "@front"


def test_whoever_comes_back_to_a_taken_name_gets_another(machine: Machine) -> None:
    first = machine.arrive("/src/api", key="one")
    machine.crash(first)
    second = machine.arrive("/src/api", key="two")
    assert second.at == "@api"
    assert machine.arrive("/src/api", key="one").at == "@api-2"
    assert second.at == "@api"


def test_the_mail_of_a_crashed_session_goes_with_its_name(machine: Machine) -> None:
    first = machine.arrive("/src/api")
    machine.person.send("@api", "still to do")
    machine.crash(first)
    second = machine.arrive("/src/api")
    assert second.at == "@api"
    assert second.rings()
    assert "still to do" in second.hook()


def test_a_process_id_that_is_used_again_is_not_the_same_process(machine: Machine) -> None:
    first = machine.arrive("/src/api", key="one", pid=machine.processes.start(77))
    machine.processes.start(77)
    assert not first.session.lives()  # the process table knows another start time
    machine.arrive("/src/web", key="two", pid=77)
    found = addresses.session_by_pid(machine.db, 77)
    assert found is not None
    assert addresses.address(machine.db, found.address).name == "web"


def test_resumed_on_another_terminal_it_is_one_session_with_two_processes(machine: Machine) -> None:
    one, two = machine.processes.start(), machine.processes.start()
    api = machine.arrive("/src/api", key="one", pid=one)
    machine.arrive("/src/api", key="one", pid=two)
    assert api.at == "@api"
    for pid in (one, two):
        found = addresses.session_by_pid(machine.db, pid)
        assert found is not None
        assert found.key == "one"
    with machine.db.write():
        assert addresses.close_process(machine.db, api.session, two)
    machine.processes.kill(two)
    assert api.session.lives()
    with machine.db.write():
        assert not addresses.close_process(machine.db, api.session, one)


def test_the_first_of_two_terminals_may_close_first(machine: Machine) -> None:
    one, two = machine.processes.start(), machine.processes.start()
    api = machine.arrive("/src/api", key="one", pid=one)
    machine.arrive("/src/api", key="one", pid=two)
    with machine.db.write():
        assert addresses.close_process(machine.db, api.session, one)
    machine.processes.kill(one)
    assert api.session.lives()
    with machine.db.write():
        assert not addresses.close_process(machine.db, api.session, two)


def test_a_third_terminal_takes_the_place_of_one_that_is_gone(machine: Machine) -> None:
    one, two = machine.processes.start(), machine.processes.start()
    api = machine.arrive("/src/api", key="one", pid=one)
    machine.arrive("/src/api", key="one", pid=two)
    machine.processes.kill(two)
    three = machine.processes.start()
    machine.arrive("/src/api", key="one", pid=three)
    assert {api.session.pid, api.session.twin_pid} == {one, three}


# --- /clear -----------------------------------------------------------------------------------------------


def test_after_a_clear_the_successor_keeps_name_and_mail(machine: Machine) -> None:
    before = machine.arrive("/src/api", key="one", title="lead")
    machine.person.send("@lead", "before the clear")
    pid = before.session.pid
    after = machine.arrive("/elsewhere", key="two", pid=pid, follows=True)
    assert after.at == "@lead"
    assert after.rings()
    assert not bells.rings(machine.home, "one")
    assert before.session.ended_ms
    assert "before the clear" in after.hook()


def test_only_a_successor_keeps_the_name(machine: Machine) -> None:
    pid = machine.arrive("/src/api", key="one").session.pid
    assert machine.arrive("/src/api", key="two", pid=pid).at == "@api-2"


def test_another_client_in_the_same_process_is_no_successor(machine: Machine) -> None:
    pid = machine.arrive("/src/api", key="one").session.pid
    assert machine.arrive("/src/api", key="two", pid=pid, client="codex", follows=True).at == "@api-2"


def test_a_successor_without_a_process_follows_nobody(machine: Machine) -> None:
    machine.arrive("/src/api", key="one")
    assert machine.arrive("/src/api", key="two", pid=-1, follows=True).at == "@api-2"


def test_a_clear_after_resuming_an_older_conversation_keeps_that_ones_name(machine: Machine) -> None:
    old = machine.arrive("/src/old", key="old")
    old.quit()
    machine.crash(old)
    pid = machine.processes.start()
    machine.arrive("/src/new", key="new", pid=pid).quit()
    machine.arrive("/src/old", key="old", pid=pid)  # /resume in the same process
    assert machine.arrive("/src/new", key="cleared", pid=pid, follows=True).at == "@old"


def test_many_clears_keep_one_name(machine: Machine) -> None:
    pid = machine.arrive("/src/api", key="k0").session.pid
    for number in range(1, 6):
        assert machine.arrive("/src/api", key=f"k{number}", pid=pid, follows=True).at == "@api"
    assert len(addresses.living(machine.db)) == 1


def test_among_many_sessions_of_one_process_the_one_of_the_directory_is_followed(machine: Machine) -> None:
    """Would break: Codex's daemon runs the sessions of all terminals, and the newest of them is another terminal's."""
    front = machine.arrive("/src/front", key="front", client="codex")
    machine.arrive("/src/api", key="api", client="codex", pid=front.session.pid)
    cleared = machine.arrive("/src/front", key="two", client="codex", pid=front.session.pid, follows=True)
    assert cleared.at == "@front" and front.session.ended_ms
    assert {one.name for _, one in addresses.living(machine.db)} == {"front", "api"}


def test_where_nothing_tells_the_cleared_session_nobody_loses_its_name(machine: Machine) -> None:
    first = machine.arrive("/src/api", key="one", client="codex")
    second = machine.arrive("/src/api", key="two", client="codex", pid=first.session.pid)
    third = machine.arrive("/src/api", key="three", client="codex", pid=first.session.pid, follows=True)
    assert (second.at, third.at) == ("@api-2", "@api-3")
    assert not first.session.ended_ms and not second.session.ended_ms
    stranger = machine.arrive("/src/web", key="four", client="codex", pid=first.session.pid, follows=True)
    assert stranger.at == "@web"


# --- the channels of a place ------------------------------------------------------------------------------


def test_a_session_is_in_the_channels_of_its_directory_and_its_title(machine: Machine) -> None:
    seat = machine.arrive("/src/My App", title="Feature Auth")
    assert channels(seat) == ["#feature-auth", "#my-app"]


def test_a_place_without_letters_has_no_channel(machine: Machine) -> None:
    assert channels(machine.arrive("/src/日本")) == ["#src"]
    assert channels(machine.arrive("/日本")) == []
    assert channels(machine.arrive("/")) == []


def test_one_name_for_directory_and_title_is_one_channel(machine: Machine) -> None:
    assert channels(machine.arrive("/src/api", title="api")) == ["#api"]


def test_whoever_moves_leaves_the_channel_of_the_old_place_only(machine: Machine) -> None:
    seat = machine.arrive("/src/api", key="one")
    seat.join("#release")
    seat.quit()
    machine.arrive("/src/web", key="one")
    assert channels(seat) == ["#release", "#web"]


def test_a_title_that_the_client_does_not_repeat_is_still_there(machine: Machine) -> None:
    seat = machine.arrive("/src/api", key="one", title="feature")
    seat.quit()
    machine.arrive("/src/api", key="one")
    assert channels(seat) == ["#api", "#feature"]
    assert seat.session.title == "feature"


def test_who_ends_leaves_the_channels_of_its_place_but_not_what_it_joined(machine: Machine) -> None:
    one, two = machine.arrive("/src/api"), machine.arrive("/src/api")
    one.join("release")
    one.quit()
    members = {channel.name: channel.members for channel in two.channels()}
    assert members == {"#api": ["@api-2"], "#release": ["@api"]}


# --- renaming ---------------------------------------------------------------------------------------------


def test_the_old_name_leads_to_the_new_one_for_two_hours(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    assert api.rename("Backend") == "@backend"
    web.send("@api", "through the old name")
    assert api.heard() == ["through the old name"]
    machine.clock.pass_by(2 * HOUR)
    assert "nobody holds this name" in web.send("@api", "too late").recipients[0].note
    assert api.heard() == ["through the old name"]


def test_names_lead_on_through_several_renames(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    for name in ("b", "c", "d"):
        api.rename(name)
    for old in ("api", "b", "c", "d"):
        web.send(f"@{old}", f"to {old}")
    assert len(api.heard()) == 4


def test_back_and_forth_leads_nowhere_in_a_circle(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    for name in ("b", "api", "b", "api"):
        api.rename(name)
    web.send("@b", "x")
    web.send("@api", "y")
    assert api.at == "@api"
    assert api.heard() == ["x", "y"]


def test_a_forward_lasts_as_long_as_the_setting_says(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    machine.set(forward_hours=0)
    api.rename("backend")
    web.send("@api", "x")
    assert api.heard() == []


def test_a_forward_ends_when_somebody_else_takes_the_name(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    api.rename("backend")
    newcomer = machine.arrive("/src/api")
    assert newcomer.at == "@api"
    web.send("@api", "for the newcomer")
    assert (api.heard(), newcomer.heard()) == ([], ["for the newcomer"])


def test_a_forward_ends_when_somebody_else_is_renamed_to_it(machine: Machine) -> None:
    api, web, other = machine.named("api", "web", "other")
    api.rename("backend")
    other.rename("api")
    web.send("@api", "x")
    assert (api.heard(), other.heard()) == ([], ["x"])


def test_mail_that_waits_goes_along(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    web.send("@api", "x")
    api.rename("backend")
    assert api.rings()
    assert "x" in api.hook()


def test_a_held_name_is_not_given(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    with pytest.raises(NameTaken, match="@api is held by another session"):
        web.rename("api")
    with pytest.raises(NameTaken, match="held by the person"):
        web.rename(USER)
    assert (api.at, web.at) == ("@api", "@web")


def test_mail_that_waits_for_a_name_that_nobody_held_is_its_takers(machine: Machine) -> None:
    web, api = machine.named("web", "api")
    web.send("@later", "x")
    assert api.rename("later") == "@later"
    assert api.heard() == ["x"]


def test_a_name_that_somebody_held_and_mail_waits_for_is_not_given(machine: Machine) -> None:
    web, api, later = machine.named("web", "api", "later")
    later.quit()
    web.send("@later", "x")
    with pytest.raises(NameTaken, match="has mail waiting"):
        api.rename("later")


def test_a_name_that_somebody_only_waits_for_is_free(machine: Machine) -> None:
    web, api = machine.named("web", "api")
    with machine.db.write():
        addresses.awaited(machine.db, "later", machine.clock())
    assert web.rename("later") == "@later"
    api.send("@later", "x")
    assert web.heard() == ["x"]


def test_ones_own_name_is_no_rename(machine: Machine) -> None:
    [api] = machine.named("api")
    assert api.rename("API") == "@api"
    assert machine.db.row("people.forward", "api", machine.clock()) is None


@pytest.mark.parametrize(("name", "problem"), [("a b", NameInvalid), ("all", NameReserved), ("@telex", NameReserved)])
def test_a_new_name_keeps_the_grammar(machine: Machine, name: str, problem: type[Exception]) -> None:
    [api] = machine.named("api")
    with pytest.raises(problem):
        api.rename(name)


# --- what a session says of itself -----------------------------------------------------------------------


def test_bytes_that_are_no_text_do_not_keep_a_session_out(machine: Machine) -> None:
    seat = machine.arrive("/src/\udcff\ud800/x", title="\udcfe", key="\udcfd", wish="\udcfc")
    assert seat.session.directory == "/src/??/x"
    machine.person.send(seat.at, "welcome")
    assert "welcome" in seat.hook()


# --- the process table ------------------------------------------------------------------------------------


@pytest.fixture
def child() -> Iterator[int]:
    """A process that lives until it is told to end."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    os.close(reader)
    yield pid
    os.close(writer)
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        pass


def test_a_running_process_is_alive_only_with_its_own_start_time(child: int) -> None:
    started = processes.started(child)
    assert started > 0
    assert processes.alive(child, started)
    assert processes.alive(child, 0)
    assert not processes.alive(child, started + 1)
    os.kill(child, 9)
    os.waitpid(child, 0)
    assert not processes.alive(child, started)
    assert not processes.alive(child, 0)


@pytest.mark.parametrize("pid", [0, -1, 2**22 + 1])
def test_what_is_no_process_is_not_alive(pid: int) -> None:
    assert not processes.alive(pid, 0)
    assert processes.started(pid) == 0


def test_another_users_process_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert processes.alive(os.getpid(), 0)


def test_ancestors_lead_to_the_first_process() -> None:
    line = processes.ancestors(os.getpid())
    assert line[:2] == [os.getpid(), os.getppid()]
    assert len(line) == len(set(line)) <= 64


def test_where_nothing_can_be_told_a_process_has_no_ancestors() -> None:
    assert processes.ancestors(2**22 + 1) == [2**22 + 1]


# --- busy or idle -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marks", "prompts", "busy"),
    [
        ("", 0, False),
        ("p", 1, True),
        ("ps", 1, False),
        ("psp", 2, True),
        ("pp", 2, True),
        ("s", 0, False),
        ("pxs", 1, False),
        ("psg", 1, True),
        ("psgs", 1, False),
    ],
)
def test_the_marks_of_the_gate_say_busy_or_idle(machine: Machine, marks: str, prompts: int, busy: bool) -> None:
    [api] = machine.named("api")
    api.marks(marks)
    turns = processes.Turns(machine.home, api.me.address.bell)
    assert (turns.prompts, turns.busy) == (prompts, busy)
    [shown] = [one for one in machine.person.who() if one.name == "@api"]
    assert shown.state == ("busy" if busy else "idle")


@pytest.mark.parametrize(("marks", "state"), [("p", "waiting for approval"), ("ps", "idle"), ("", "idle")])
def test_who_is_asked_for_an_approval_waits_for_it_while_its_turn_runs(
    machine: Machine, marks: str, state: str
) -> None:
    [api] = machine.named("api")
    api.marks(marks)
    bells.mark_asks(machine.home, api.me.address.bell)
    [shown] = [one for one in machine.person.who() if one.name == "@api"]
    assert (shown.state, machine.person.send("@api", "hello").recipients[0].note) == (state, state)
    Path(bells.path(machine.home, bells.ASKS, api.me.address.bell)).write_text("")
    assert processes.Turns(machine.home, api.me.address.bell).state == ("busy" if marks == "p" else "idle")


def test_missing_marks_say_idle(machine: Machine) -> None:
    turns = processes.Turns(machine.home, "nobody")
    assert (turns.prompts, turns.busy, turns.spoken_ms(0)) == (0, False, 0)


def test_a_prompt_that_telex_did_not_cause_is_a_persons(machine: Machine) -> None:
    [api] = machine.named("api")
    api.marks("p")
    turns = processes.Turns(machine.home, api.me.address.bell)
    assert turns.spoken_ms(0) == machine.clock()
    assert turns.spoken_ms(1) == 0
