"""Where telex's home is: a path of the environment is absolute, or refused, whoever reads it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import telex
from telex import homes, wiring
from telex.clients import places, registry, types
from telex.clients.installer import install
from telex.errors import HomeUnknown, PathNotAbsolute, TelexError
from telex.hook import log_fault, monitor, payloads

NOT_ABSOLUTE = (
    *("~", "~/.telex", "~other/.telex", "$HOME/.telex", "${HOME}", "%HOME%/.telex", "file:///home/me/.telex"),
    *(".telex", "./.telex", "../.telex", ".", "..", "relative/home", "-", "é"),
    *(" ", "  ", "\t", "\n", " /home/me/.telex", "\t/home/me"),
)
NUL = "/home/me\0/.telex"  # no environment can hold it, but an argument can
CONFIGURED = [name for name in registry.names() if registry.client(name).config_variable]

Reader = Callable[[dict[str, str]], object]


def _with_environment(read: Callable[[], object]) -> Reader:
    def reader(environment: dict[str, str]) -> object:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("TELEX_HOME", "HOME", "USERPROFILE"):
                patch.delenv(name, raising=False)
            for name, value in environment.items():
                patch.setenv(name, value)
            return read()

    return reader


READERS: dict[str, Reader] = {
    "the function itself": homes.of_telex,
    "commands": _with_environment(wiring.home_directory),
    "Python programs": _with_environment(lambda: telex.open().close()),
    "hooks": _with_environment(lambda: payloads.open_store().close()),
    "relays": _with_environment(wiring.relay_path),
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory, in which nothing may appear."""
    directory = tmp_path / "project"
    directory.mkdir()
    monkeypatch.chdir(directory)
    yield directory
    assert os.listdir(directory) == []


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("path", NOT_ABSOLUTE)
def test_a_home_that_is_not_absolute_is_refused_and_named(reader: Reader, path: str, tmp_path: Path) -> None:
    for environment in ({"TELEX_HOME": path, "HOME": str(tmp_path)}, {"HOME": path}, {"USERPROFILE": path}):
        with pytest.raises(PathNotAbsolute) as caught:
            reader(environment)
        assert caught.value.message.startswith(f"{next(iter(environment))} is '")
    assert os.listdir(tmp_path) == ["project"]


@pytest.mark.parametrize("path", [*NOT_ABSOLUTE, NUL])
def test_a_home_that_a_program_names_is_held_to_the_same(path: str) -> None:
    with pytest.raises(PathNotAbsolute):
        telex.open(path)


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    user = str(tmp_path)
    assert homes.of_telex({"TELEX_HOME": "", "HOME": user}) == f"{user}/.telex"
    assert homes.of_telex({"HOME": "", "USERPROFILE": user}) == f"{user}/.telex"
    with pytest.raises(HomeUnknown):
        homes.of_telex({"TELEX_HOME": "", "HOME": ""})


@pytest.mark.parametrize("path", ["/h/~/x", "/h/a b", "/h/$HOME", "/h/é"])
def test_whatever_else_is_in_an_absolute_path_stays(path: str) -> None:
    assert homes.of_telex({"TELEX_HOME": path}) == path
    assert homes.of_telex({"TELEX_HOME": f"{path}/./"}) == path


@pytest.mark.parametrize("client", CONFIGURED)
@pytest.mark.parametrize("path", [*NOT_ABSOLUTE, NUL])
def test_a_clients_own_directory_is_held_to_the_same(client: str, path: str, tmp_path: Path) -> None:
    """Would break: telex installed into a directory `~`, which the client looks for in each working directory."""
    variable = registry.client(client).config_variable
    environment = {"HOME": str(tmp_path), variable: path}
    there = places.of(client, str(tmp_path / ".telex"), os.getcwd(), environment)
    for act in (install.install, install.uninstall):
        with pytest.raises(PathNotAbsolute) as caught:
            act(client, types.USER, **there)
        assert caught.value.message.startswith(f"{variable} is '")
    assert os.listdir(tmp_path) == ["project"]


@pytest.mark.parametrize("path", NOT_ABSOLUTE)
def test_a_monitor_without_a_home_stays_and_touches_nothing(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would break: its client would tell its model that the monitor ended, and start a turn for that."""
    client = subprocess.Popen(["sleep", "60"])
    waited: list[float] = []

    def wait(_: monitor.Client, seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            client.kill()
            client.wait()

    monkeypatch.setattr(monitor.Client, "wait", wait)
    monkeypatch.setenv("TELEX_HOME", path)
    monkeypatch.setenv("CLAUDE_PID", str(client.pid))
    assert monitor.keep() == 0
    assert len(waited) == 3


@pytest.mark.parametrize("path", NOT_ABSOLUTE)
def test_a_hooks_fault_is_noted_in_no_other_directory(
    path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TELEX_HOME", path)
    monkeypatch.setenv("HOME", str(tmp_path))
    log_fault(ValueError("x"))
    assert os.listdir(tmp_path) == ["project"]


@pytest.mark.parametrize("path", ["~", ".telex", "$HOME/.telex", " "])
def test_a_planted_reading_that_takes_any_path_is_caught(
    path: str, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    monkeypatch.setattr(homes, "absolute", lambda _, given: os.path.abspath(given))
    for reader in READERS.values():
        try:
            reader({"TELEX_HOME": path})
        except TelexError as problem:
            assert not isinstance(problem, PathNotAbsolute)  # the test of variants fails
    assert os.listdir(project) == [path.partition("/")[0]]
    subprocess.run(["rm", "-r", "--", path.partition("/")[0]], check=True)
