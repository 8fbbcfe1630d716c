"""The relay's file: what is refused, what is kept, and what a backup brings back."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import apsw
import pytest
from tests.relay.machines import Peer, code_of, found_at_once
from tests.relay.running import Relay, running
from tests.support.cli import TELEX

from telex import limits
from telex.errors.between import RelayFileNewer, RelayFileUnusable, RelayRunning
from telex.relay import state_file
from telex.relay.log_sqlite import SqliteLog
from telex.wire import api


def test_one_process_serves_a_file(tmp_path: Path) -> None:
    """Would break: two servers would wake nobody of each other's machines."""
    with running(tmp_path) as relay:
        second = subprocess.run(
            [TELEX, "relay", "serve", "--listen", "127.0.0.1:0", "--json"],
            env=relay.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1
        assert "relay-running" in second.stderr
        with pytest.raises(RelayRunning):
            state_file.restore(str(relay.file), str(relay.file))


def foreign(path: Path) -> None:
    con = apsw.Connection(str(path))
    con.execute("CREATE TABLE other (one)")
    con.close()


def of_a_store(path: Path) -> None:
    foreign(path)
    con = apsw.Connection(str(path))
    con.execute("PRAGMA application_id = 0x74656C78; PRAGMA user_version = 3")
    con.close()


def no_database(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)


def damaged(path: Path) -> None:
    state_file.prepare(str(path))
    raw = bytearray(path.read_bytes())
    raw[100:4000] = os.urandom(3900)
    path.write_bytes(raw)


@pytest.mark.parametrize("spoil", [foreign, of_a_store, no_database, damaged], ids=lambda one: one.__name__)
def test_a_file_that_is_no_relays_is_left_as_it_is(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    path = tmp_path / "relay.db"
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(RelayFileUnusable) as caught:
        SqliteLog(str(path))
    assert caught.value.advice
    assert path.read_bytes() == before


def test_a_newer_file_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "relay.db"
    state_file.prepare(str(path))
    con = apsw.Connection(str(path))
    con.execute(f"PRAGMA user_version = {limits.RELAY_SCHEMA_VERSION + 1}")
    con.close()
    with pytest.raises(RelayFileNewer):
        SqliteLog(str(path))


def test_a_file_of_the_first_schema_knows_what_each_machine_uses_after_it_is_opened(tmp_path: Path) -> None:
    path = str(tmp_path / "relay.db")
    con = apsw.Connection(path)
    con.execute((Path(state_file.__file__).parent / "schema" / "0001_relay.sql").read_text())
    con.execute(
        """INSERT INTO book (one, epoch) VALUES (1, 'e');
           INSERT INTO team (id, name, made_ms, head) VALUES ('t', 'acme', 1, 2);
           INSERT INTO machine (id, team, role, sign) VALUES ('a', 't', 'owner', x''), ('b', 't', 'member', x'');
           INSERT INTO origin VALUES ('t', 'of-a', 'a', 2);
           INSERT INTO entry VALUES ('t', 1, 'of-a', 1, 'x', x'00', x'0000', 1, '');
           INSERT INTO entry VALUES ('t', 2, 'of-a', 2, 'y', x'00', x'', 1, '');
           INSERT INTO addressed VALUES ('t', 'b', 1, 1), ('t', 'b', 2, 2);
           INSERT INTO part VALUES ('t', 'd', 5, 1);"""
    )
    con.execute(f"PRAGMA user_version = 1; PRAGMA application_id = {state_file.APPLICATION_ID}")
    con.close()
    state_file.prepare(path)
    book = state_file.open_book(path)
    assert [book.value("chain.bytes", one) for one in "ab"] == [4, 0]
    assert book.value("entry.over_share", "t", "b", "a", 0, 1) == 1
    assert book.value("entry.over_share", "t", "b", "a", 0, 2) is None
    assert book.rows("part.unused", "t", 9, 9) == [("d", 5, "")]
    book.con.close()


def test_a_path_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RelayFileUnusable):
        SqliteLog(str(tmp_path / "file" / "relay.db"))


def test_every_connection_syncs_and_wipes(tmp_path: Path) -> None:
    """Would break: an acknowledged message could be lost with the power, and a code's words stay on the disk."""
    path = str(tmp_path / "relay.db")
    state_file.prepare(path)
    con = state_file.open_book(path).con
    names = ("journal_mode", "synchronous", "secure_delete", "journal_size_limit")
    found = [con.execute(f"PRAGMA {name}").fetchall() for name in names]
    assert found == [[("wal",)], [(2,)], [(2,)], [(limits.RELAY_LOG_BYTES,)]]
    con.close()


class Two:
    """Alice and bob at a relay of their own."""

    def __init__(self, relay: Relay, peers: ExitStack) -> None:
        self.alice = peers.enter_context(Peer(relay.url, "alice"))
        self.bob = peers.enter_context(Peer(relay.url, "bob"))
        found_at_once(str(relay.file), self.alice, "acme").add(self.bob)

    def send(self, count: int) -> None:
        for _ in range(count):
            self.alice.push(self.alice.item([self.bob.id]))


def test_a_backup_while_serving_comes_back_as_another_log(tmp_path: Path) -> None:
    """Would break: machines would take the restored log for the one they know, and lose what it lacks."""
    with running(tmp_path) as relay, ExitStack() as peers:
        two = Two(relay, peers)
        two.send(3)
        before = two.bob.pull()
        saved = str(tmp_path / "saved.db")
        relay.command("backup", saved)
        two.send(2)
        assert relay.refused("restore", saved)["code"] == "relay-running"
        relay.stop()
        epoch = relay.command("restore", saved)["epoch"]
        relay.start()
        after = two.bob.ask("pull")
        assert (after.epoch, after.head) == (epoch, 3)
        assert after.epoch != before.epoch
        again = two.alice.push(two.alice.item_numbered(4, [two.bob.id]), two.alice.item_numbered(5, [two.bob.id]))
        assert (again.epoch, again.last_oseq, again.forked) == (epoch, 5, False)


def test_a_backup_never_overwrites(tmp_path: Path) -> None:
    with running(tmp_path, serve=False) as relay:
        relay.code("acme")
        (tmp_path / "mine").write_text("keep me")
        assert relay.refused("backup", str(tmp_path / "mine"))["code"] == "relay-file-unusable"
        assert (tmp_path / "mine").read_text() == "keep me"


@pytest.mark.parametrize("spoil", [foreign, no_database, damaged], ids=lambda one: one.__name__)
def test_what_is_no_backup_changes_nothing(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    with running(tmp_path, serve=False) as relay:
        relay.code("acme")
        spoil(tmp_path / "wrong.db")
        assert relay.refused("restore", str(tmp_path / "wrong.db"))["code"] == "relay-file-unusable"
        teams = relay.command("team", "list")["teams"]
        assert [team["name"] for team in teams] == ["acme"]  # type: ignore[attr-defined]
        assert sorted(path.name for path in relay.file.parent.iterdir() if "restoring" in path.name) == []


def test_backups_while_machines_push_are_whole(tmp_path: Path) -> None:
    with running(tmp_path) as relay, ExitStack() as peers:
        two = Two(relay, peers)
        for number in range(5):
            two.send(10)
            copy = str(tmp_path / f"copy{number}.db")
            state_file.backup(str(relay.file), copy)
            con = apsw.Connection(copy)
            assert con.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert con.execute("SELECT count(*), max(seq) FROM entry").fetchall() == [((number + 1) * 10,) * 2]
            con.close()


class Disk:
    """A small disk of its own for a relay's file, in a mount namespace that nobody else sees."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self._as_root = os.getuid() == 0
        folder = shlex.quote(str(relay.file.parent))
        script = (
            f"cp -a {folder} {folder}.kept && mount -t tmpfs -o size=2m,mode=0700 tmpfs {folder} "
            f'&& cp -a {folder}.kept/. {folder} && exec "$@"'
        )
        namespace = ("unshare", "--mount", *(() if self._as_root else ("--user", "--map-root-user")))
        relay.prefix = (*namespace, "sh", "-c", script, "sh")

    def grow(self) -> None:
        """Make it larger while the relay runs on it."""
        assert self.relay.process is not None
        user = () if self._as_root else ("--user", "--preserve-credentials")
        enter = ["nsenter", "--target", str(self.relay.process.pid), "--mount", *user]
        folder = str(self.relay.file.parent)
        # With its source named, mount does not repeat options of the first mount that only the first user could give.
        subprocess.run([*enter, "mount", "-t", "tmpfs", "-o", "remount,size=16m", "tmpfs", folder], check=True)


def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    """Would break: a machine would take its message for sent, or the relay would have to be started again."""
    with running(tmp_path, serve=False) as relay, ExitStack() as peers:
        relay.start()
        two = Two(relay, peers)
        relay.stop()
        disk = Disk(relay)
        relay.start()
        large, taken = b"x" * limits.RELAY_SEALED_BYTES, 0
        while True:
            item = two.alice.item_numbered(taken + 1, [two.bob.id], large)
            answer = two.alice.send("push", api.Push(origin=two.alice.origin, items=[item]))
            if not answer.is_success:
                break
            taken += 1
        assert (answer.status_code, code_of(answer)) == (503, "log-full")
        assert int(answer.headers["retry-after"]) > 0
        assert two.alice.client.get("/healthz").status_code == 200
        assert two.bob.pull().head == taken
        disk.grow()
        assert two.alice.push(item).last_oseq == taken + 1
        assert two.bob.pull().head == taken + 1


def test_a_log_that_cannot_be_written_is_not_ready(tmp_path: Path) -> None:
    """Would break: a balancer would send machines to a relay that can take nothing."""
    with running(tmp_path) as relay, ExitStack() as peers:
        two = Two(relay, peers)
        assert two.alice.client.get("/readyz").status_code == 200
        con = apsw.Connection(str(relay.file))
        con.execute("BEGIN IMMEDIATE")
        while (answer := two.alice.client.get("/readyz")).is_success:
            pass
        assert (answer.status_code, code_of(answer)) == (503, "log-broken")
        assert two.alice.client.get("/healthz").status_code == 200
        con.execute("ROLLBACK")
        con.close()
        while not two.alice.client.get("/readyz").is_success:
            pass


def test_a_copied_folder_starts_as_it_was(tmp_path: Path) -> None:
    with running(tmp_path) as relay, ExitStack() as peers:
        two = Two(relay, peers)
        two.send(2)
        relay.stop()
        shutil.copytree(relay.home, tmp_path / "moved")
        shutil.rmtree(relay.home)
        shutil.move(tmp_path / "moved", relay.home)
        relay.start()
        assert len(two.bob.pull().items) == 2
