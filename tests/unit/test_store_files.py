"""The small files of a home: bells, marks, bodies, locks; settings; and which filesystems will do."""

from __future__ import annotations

import os
import re
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.machine import Machine

from telex.db import settings as stored_settings
from telex.errors import HomeUnsafe, SettingInvalid, SettingUnknown
from telex.fs import bells, bodies, mounts
from telex.fs.high_water import Newest
from telex.fs.lock import FileLock

# --- bells ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["70f7a1c2-0000-4000-8000-000000000000", "abc", "A-1", "x" * 64, "019f-", "0", "h", "H-x"]
)
def test_a_plain_session_id_is_its_own_bell(key: str) -> None:
    assert bells.bell_name(key) == key


@pytest.mark.parametrize(
    "key",
    ["", "-a", "a b", "../x", "/etc/passwd", "a.b", "a_b", "x" * 65, "é", "\0", "\udcff", "h-person", "h-x", "\n"],
)
def test_any_other_id_is_hashed(key: str) -> None:
    assert re.fullmatch("h-[0-9a-f]{32}", bells.bell_name(key))


@given(st.text(st.characters(exclude_categories=[]), max_size=80))
def test_a_bell_is_always_one_plain_file_name(key: str) -> None:
    try:
        name = bells.bell_name(key)
    except UnicodeEncodeError:
        assert re.search("[\ud800-\udbff]|[\udc00-\udc7f]|[\udd00-\udfff]", key)  # nothing that a system hands over
        return
    assert re.fullmatch("[A-Za-z0-9][A-Za-z0-9-]{0,63}", name)


@given(st.text(max_size=40), st.text(max_size=40))
def test_two_ids_have_two_bells(one: str, other: str) -> None:
    assert (bells.bell_name(one) == bells.bell_name(other)) == (one == other)


@pytest.fixture
def home(tmp_path: Path) -> str:
    """A home with its rooms and no store."""
    for directory in bells.DIRECTORIES:
        (tmp_path / directory).mkdir()
    return str(tmp_path)


def test_a_bell_is_rung_and_silenced(home: str) -> None:
    assert not bells.rings(home, "b")
    bells.ring(home, "b")
    bells.ring(home, "b")
    assert bells.rings(home, "b")
    bells.silence(home, "b")
    bells.silence(home, "b")
    assert not bells.rings(home, "b")


def test_ringing_again_moves_the_bells_time(home: str) -> None:
    bells.ring(home, "b")
    path = bells.path(home, bells.BELLS, "b")
    os.utime(path, (1, 1))
    bells.ring(home, "b")
    assert os.stat(path).st_mtime > 1


def test_a_bell_rings_though_its_directory_was_tidied_away(home: str) -> None:
    os.rmdir(f"{home}/{bells.BELLS}")
    bells.ring(home, "b")
    assert bells.rings(home, "b")


def test_a_bell_that_is_a_link_is_not_followed(home: str, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    os.symlink(target, f"{home}/{bells.BELLS}/b")
    with pytest.raises(OSError, match="symbolic links"):
        bells.ring(home, "b")
    assert not target.exists()


def test_the_owed_mark_comes_and_goes_and_never_complains(home: str) -> None:
    path = bells.path(home, bells.OWED, "b")
    bells.mark_owed(home, "b", True)
    assert os.path.exists(path)
    bells.mark_owed(home, "b", False)
    bells.mark_owed(home, "b", False)
    assert not os.path.exists(path)
    bells.mark_owed(f"{home}/nowhere", "b", True)


def test_whoever_leaves_leaves_no_file(home: str) -> None:
    bells.ring(home, "b")
    bells.mark_owed(home, "b", True)
    Path(bells.path(home, bells.TURNS, "b")).write_text("ps")
    bells.ring(home, "other")
    bells.forget(home, "b")
    assert [os.listdir(f"{home}/{name}") for name in (bells.BELLS, bells.OWED, bells.TURNS)] == [["other"], [], []]


# --- bodies -----------------------------------------------------------------------------------------------


def test_a_body_is_kept_once_under_its_content(home: str) -> None:
    name = bodies.keep(home, b"large")
    assert bodies.keep(home, b"large") == name
    assert bodies.load(home, name) == b"large"
    assert os.listdir(f"{home}/{bells.BODIES}") == [name.hex()]
    assert stat.S_IMODE(os.stat(bodies.path(home, name)).st_mode) == 0o600


def test_a_changed_body_is_no_body(home: str) -> None:
    name = bodies.keep(home, b"large")
    Path(bodies.path(home, name)).write_bytes(b"Large")
    assert bodies.load(home, name) is None


def test_a_missing_body_is_no_body(home: str) -> None:
    assert bodies.load(home, bytes(16)) is None
    bodies.drop(home, bytes(16))


def test_a_body_that_cannot_be_written_leaves_no_draft(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="No space"):
        bodies.keep(home, b"large")
    assert os.listdir(f"{home}/{bells.BODIES}") == []


def test_a_body_is_whole_though_the_system_writes_it_in_pieces(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
    assert bodies.load(home, bodies.keep(home, b"0123456789")) == b"0123456789"


def test_keeping_a_known_body_makes_it_young_again(home: str) -> None:
    name = bodies.keep(home, b"large")
    os.utime(bodies.path(home, name), (1, 1))
    assert [digest for _, digest in bodies.orphans(home, 100)] == [name]
    bodies.keep(home, b"large")
    assert bodies.orphans(home, 100) == []


def test_a_draft_that_was_left_is_an_orphan_without_a_digest(home: str) -> None:
    path = f"{home}/{bells.BODIES}/{bytes(16).hex()}.77.abcd"
    Path(path).write_bytes(b"half")
    os.utime(path, (1, 1))
    assert bodies.orphans(home, 100) == [(path, None)]


# --- locks ------------------------------------------------------------------------------------------------


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    one, other = FileLock(f"{tmp_path}/lock"), FileLock(f"{tmp_path}/lock")
    one.acquire()
    assert not other.acquire_within(0)
    assert not other.acquire_within(5)
    one.release()
    assert other.acquire_within(0)
    other.close()
    one.acquire()
    one.close()
    one.close()


def test_a_lock_file_stays_and_is_private(tmp_path: Path) -> None:
    lock = FileLock(f"{tmp_path}/lock")
    lock.acquire()
    lock.close()
    assert stat.S_IMODE(os.stat(f"{tmp_path}/lock").st_mode) == 0o600


def test_whoever_is_killed_has_let_go(tmp_path: Path) -> None:
    lock = FileLock(f"{tmp_path}/lock")
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        held = FileLock(f"{tmp_path}/lock")  # one that nobody names is dropped, and lets go
        held.acquire()
        os.write(writer, b"x")
        signal.pause()
    assert os.read(reader, 1) == b"x"
    assert not lock.acquire_within(0)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    assert lock.acquire_within(0)
    lock.close()
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("end", ["release", "close", "drop"])
@pytest.mark.parametrize("kind", ["lock", "newest"])
def test_giving_back_never_fails(kind: str, end: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Would break: what was stored told as a failure, and a traceback out of a destructor in a hook's output."""
    held: FileLock | Newest
    if kind == "lock":
        held = FileLock(f"{tmp_path}/lock")
        held.acquire()
    else:
        held = Newest(str(tmp_path))
        held.note(7)
    os.close(held._fd)  # from now on the kernel answers EBADF
    if end == "release" and isinstance(held, FileLock):
        held.release()
        assert held.acquire_within(0)
    elif end == "close":
        held.close()
    del held
    assert capfd.readouterr().err == ""


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    os.symlink(tmp_path / "precious", tmp_path / "lock")
    with pytest.raises(OSError, match="symbolic links"):
        FileLock(f"{tmp_path}/lock").acquire()
    assert not (tmp_path / "precious").exists()


# --- settings in the store ----------------------------------------------------------------------------------


def test_a_setting_is_in_force_at_once_for_everybody(machine: Machine) -> None:
    machine.person.set_setting("hops_most", "3")
    [api] = machine.named("api")
    assert (api.settings().hops_most, api.settings().sources["hops_most"]) == (3, "store")


def test_a_setting_is_taken_back_to_its_default(machine: Machine) -> None:
    machine.set(hops_most=3)
    machine.person.set_setting("hops_most", None)
    assert machine.person.settings().sources["hops_most"] == "default"


def test_the_environment_overrides_the_store(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.set(hops_most=3)
    monkeypatch.setenv("TELEX_HOPS_MOST", "5")
    assert stored_settings.load(machine.db).hops_most == 3  # nobody has shown yet that this process is the person's
    machine.db.persons = True
    assert stored_settings.load(machine.db).hops_most == 5


@pytest.mark.parametrize("value", ["0", "1001", "x", ""])
def test_a_value_out_of_bounds_changes_nothing(machine: Machine, value: str) -> None:
    with pytest.raises(SettingInvalid):
        machine.person.set_setting("hops_most", value)
    assert machine.person.settings().hops_most == 8


@pytest.mark.parametrize("value", ["1", None])
def test_an_unknown_setting_changes_nothing(machine: Machine, value: str | None) -> None:
    for name in ("colour", "sources", "kept_to", ""):
        with pytest.raises(SettingUnknown):
            machine.person.set_setting(name, value)


# --- filesystems ------------------------------------------------------------------------------------------


@pytest.fixture
def mountinfo(tmp_path: Path) -> Callable[[str], str]:
    """A mount table with these lines."""

    def write(lines: str) -> str:
        path = tmp_path / "mountinfo"
        path.write_text(lines)
        return str(path)

    return write


TABLE = """\
22 1 8:1 / / rw - ext4 /dev/sda1 rw
30 22 0:40 / /home rw,nosuid shared:1 - nfs4 server:/home rw
31 30 8:2 / /home/dana rw - btrfs /dev/sdb1 rw
32 22 0:41 / /mnt/with\\040space rw - fuse.sshfs host:/ rw
33 22 0:42 / /homes rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/var/x", "ext4"),
        ("/home", "nfs4"),
        ("/home/kim/.telex", "nfs4"),
        ("/home/dana/.telex", "btrfs"),
        ("/homes/x", "tmpfs"),
        ("/mnt/with space/x", "fuse.sshfs"),
    ],
)
def test_the_nearest_mount_decides(mountinfo: Callable[[str], str], path: str, kind: str) -> None:
    assert mounts.kind(path, mountinfo(TABLE)) == kind


@pytest.mark.parametrize("table", ["", "nonsense\n", "1 2 3 4 / - \n", "22 1 8:1 / / rw ext4\n"])
def test_where_nothing_can_be_told_nothing_is_refused(mountinfo: Callable[[str], str], table: str) -> None:
    assert mounts.kind("/", mountinfo(table)) == ""
    assert mounts.kind("/", "/nowhere/mountinfo") == ""


@pytest.mark.parametrize("kind", sorted(mounts.NETWORK))
def test_a_network_filesystem_is_refused(mountinfo: Callable[[str], str], kind: str) -> None:
    table = mountinfo(f"22 1 8:1 / / rw - {kind} x rw\n")
    with pytest.raises(HomeUnsafe, match=re.escape(f"network filesystem ({kind})")):
        mounts.refuse_network("/", table)


def test_a_local_filesystem_will_do(mountinfo: Callable[[str], str], tmp_path: Path) -> None:
    mounts.refuse_network("/", mountinfo(TABLE))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60))
def test_no_mount_table_breaks_anything(tmp_path: Path, text: str) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(text, errors="surrogateescape")
    assert isinstance(mounts.kind("/", str(table)), str)
