"""Which session is the active one: the one joined last, else that of the title, else that of the directory."""

from __future__ import annotations

from tests.support.machine import HOUR, Machine

from telex.bus.identity import Caller


def test_the_one_joined_last_is_active_and_joining_again_makes_it_so_again(machine: Machine) -> None:
    api = machine.arrive("/src/api")
    for name in ("one", "two", "one"):
        api.join(name)
        assert api.active_channel() == f"#{name}"
    assert [one.name for one in api.channels() if one.mine] == ["#api", "#one", "#two"]


def test_a_clock_that_was_set_back_does_not_bring_an_older_one_back(machine: Machine) -> None:
    """Would break: the newest time of joining instead of the order of it."""
    api = machine.arrive("/src/api")
    api.join("one")
    machine.clock.pass_by(-HOUR)
    api.join("two")
    assert api.active_channel() == "#two"
    api.join("three")
    assert api.active_channel() == "#three"


def test_without_a_joined_one_the_title_goes_before_the_directory(machine: Machine) -> None:
    api = machine.arrive("/src/api", title="Feature Auth")
    assert api.active_channel() == "#feature-auth"
    api.leave("feature-auth")
    assert api.active_channel() == "#api"
    api.join("release")
    assert api.active_channel() == "#release"
    api.leave("release")
    api.leave("api")
    assert api.active_channel() == ""


def test_the_person_is_in_the_session_of_the_directory_where_the_command_is_typed(machine: Machine) -> None:
    def seat(directory: str) -> str:
        caller = Caller(address=machine.person.me.address, session=None, directory=directory)
        return machine.person.acting(caller).active_channel()

    assert (seat("/src/Front End/"), seat("/src/日本"), seat("/"), seat("")) == ("#front-end", "#src", "", "")
    machine.person.join("release")
    assert seat("/src/api") == "#release"


def test_what_was_joined_outlives_the_session(machine: Machine) -> None:
    api = machine.arrive("/src/api", key="k")
    api.join("release")
    api.quit()
    assert machine.arrive("/src/api").active_channel() == "#release"
