"""Bad input: each a clear error with its status, and nothing is lost, stored or changed by it (issue 1, item 8)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from tests.support import other_user
from tests.support.cli import Ran, Shell

from telex import limits
from telex.db.connection import APPLICATION_ID
from telex.mail.addresses import user_name

ME = f"@{user_name()}"
MEBIBYTE = 1024 * 1024


def messages(shell: Shell) -> list[str]:
    """Everything that was ever said."""
    found = shell.telex("log", "--all", "--json", "--limit", "1000")
    return [one["body"] for one in found.json["messages"]]


@pytest.fixture
def mail(shell: Shell) -> list[str]:
    """Two messages that must survive whatever comes."""
    shell.telex("send", ME, "first", name="ci")
    shell.telex("send", "@later", "second")
    return ["second", "first"]


def complains(ran: Ran, status: int, code: str) -> None:
    """One error in two lines (or in JSON), nothing on standard output, and never a fault of telex itself."""
    assert ran.status == status, ran
    assert ran.out == ""
    assert ran.error["code"] == code
    assert ran.error["status"] == status
    assert ran.error["hint"]
    assert "Traceback" not in ran.err


# --- the exit statuses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["send", "@later", "hello"], 0),
        (["inbox"], 0),
        (["send", "@a b", "hello"], 2),
        (["nonsense"], 2),
        (["reply", "m3", "to an ack"], 3),
        (["send", ME, "first", "--from", user_name(), "--strict", "--key", "k" * 200], 2),
        (["show", "m99"], 4),
        (["send", "@not-there", "x", "--strict"], 4),
        (["wait", "--from", "not-there", "--timeout", "0.01"], 5),
        (["ask", "@not-there", "hello?", "--timeout", "0.01"], 5),
    ],
)
def test_every_exit_status_has_its_meaning(shell: Shell, mail: list[str], words: list[str], status: int) -> None:
    shell.telex("send", ME, "seen", "--kind", "ack", name="ci")
    assert shell.telex(*words).status == status


def test_anything_else_is_one(shell: Shell) -> None:
    assert shell.telex("inbox", HOME="", TELEX_HOME="").status == 1


# --- the body -------------------------------------------------------------------------------------------------

BODIES: list[tuple[str, bytes, int, str]] = [
    ("nothing", b"", 2, "body-empty"),
    ("white space", b" \n\t\r\n", 2, "body-empty"),
    ("a byte that is no UTF-8", b"abc\xff", 2, "body-not-text"),
    ("half a character", "é".encode()[:1], 2, "body-not-text"),
    ("a surrogate", b"\xed\xa0\x80", 2, "body-not-text"),
    ("NUL", b"a\0b", 2, "body-not-text"),
    ("17 MiB", b"x" * 17 * MEBIBYTE, 2, "body-too-large"),
    ("16 MiB and a byte", b"x" * (limits.BODY_MOST_BYTES + 1), 2, "body-too-large"),
]


@pytest.mark.parametrize(("raw", "status", "code"), [one[1:] for one in BODIES], ids=[one[0] for one in BODIES])
@pytest.mark.parametrize("way", ["pipe", "stdin", "file", "reply"])
def test_a_body_that_will_not_do(shell: Shell, mail: list[str], raw: bytes, status: int, code: str, way: str) -> None:
    if way == "file":
        (shell.work / "body").write_bytes(raw)
        ran = shell.telex("send", "@api", "--file", "body", "--json")
    elif way == "reply":
        ran = shell.telex("reply", "m1", "--json", stdin=raw)
    else:
        ran = shell.telex("send", "@api", "--json", *(["--stdin"] if way == "stdin" else []), stdin=raw)
    complains(ran, status, code)
    assert messages(shell) == mail


def test_the_largest_body_goes_in_and_comes_out(shell: Shell) -> None:
    raw = ("日" * (limits.BODY_MOST_BYTES // 3)).encode()
    assert shell.telex("send", ME, stdin=raw, name="ci").status == 0
    [letter] = shell.telex("read", "--json").json["messages"]
    assert letter["body"].encode() == raw


def test_words_that_are_no_text(shell: Shell, mail: list[str]) -> None:
    complains(shell.telex("send", "@api", b"caf\xe9", "--json"), 2, "body-not-text")
    assert messages(shell) == mail


@pytest.mark.parametrize(
    ("path", "make"),
    [
        ("nowhere", None),
        ("directory", os.mkdir),
        ("", None),
        ("a" * 5_000, None),
        ("loop", lambda path: os.symlink(path, path)),
    ],
)
def test_a_file_that_is_none(shell: Shell, mail: list[str], path: str, make: Callable[[Path], None] | None) -> None:
    if make:
        make(shell.work / path)
    ran = shell.telex("send", "@api", "--file", path, "--json")
    complains(ran, 2, "file-unreadable" if path else "body-empty")
    assert messages(shell) == mail


# --- words ------------------------------------------------------------------------------------------------------

WORDS: list[tuple[list[str | bytes], int, str]] = [
    (["send", "@a b", "x"], 2, "name-invalid"),
    (["send", "@\u0430pi", "x"], 2, "name-invalid"),
    (["send", "../../etc/passwd", "x"], 2, "name-invalid"),
    (["send", b"@\xff", "x"], 2, "name-invalid"),
    (["send", "@" + "n" * 65, "x"], 2, "name-invalid"),
    (["send", "", "x"], 2, "usage"),
    (["send", ",".join(f"a{n}" for n in range(65)), "x"], 2, "usage"),
    (["send", "@telex", "x"], 2, "name-reserved"),
    (["send", "@api", "x", "--data", "[1, 2]"], 2, "data-invalid"),
    (["send", "@api", "x", "--data", "nope"], 2, "data-invalid"),
    (["send", "@api", "x", "--data", "{"], 2, "data-invalid"),
    (["send", "@api", "x", "--data", "7"], 2, "data-invalid"),
    (["send", "@api", "x", "--data", b'{"a": "\xff"}'], 2, "data-invalid"),
    (["send", "@api", "x", "--data", '{"a": "' + "x" * 10_240 + '"}'], 2, "data-invalid"),
    (["send", "@api", "x", "--kind", "order"], 2, "kind-unknown"),
    (["send", "@api", "x", "--kind", b"\xff"], 2, "kind-unknown"),
    (["send", "@api", "x", "--ttl", "soon"], 2, "duration-invalid"),
    (["send", "@api", "x", "--ttl=-1h"], 2, "duration-invalid"),
    (["send", "@api", "x", "--deadline", "99999d"], 2, "duration-invalid"),
    (["send", "@api", "x", "--key", "k" * 129], 2, "usage"),
    (["send", "@api", "x", "--key", b"\xff"], 2, "usage"),
    (["send", "@api", "x", "--thread", "no such thread"], 2, "name-invalid"),
    (["send", "@api", "x", "--thread", b"\xff"], 2, "name-invalid"),
    (["send", "@api", "x", "--reply-to", "m99"], 4, "message-unknown"),
    (["send", "@api", "x", "--reply-to", b"\xff"], 4, "message-unknown"),
    (["send", "@api", "x", "--from", "a b"], 2, "name-invalid"),
    (["send", "@api", "x", "--from", "all"], 2, "name-reserved"),
    (["show", "m99"], 4, "message-unknown"),
    (["show", "zzz"], 4, "message-unknown"),
    (["show", "'; DROP TABLE message; --"], 4, "message-unknown"),
    (["show", b"\xff\xfe"], 4, "message-unknown"),
    (["read", "m99"], 4, "message-unknown"),
    (["done", "m99"], 4, "message-unknown"),
    (["reply", "m99", "x"], 4, "message-unknown"),
    (["log", "--with", "a b"], 2, "name-invalid"),
    (["log", "--thread", b"\xff"], 4, "message-unknown"),
    (["log", "--limit", "9" * 5_000], 2, "usage"),
    (["search"], 2, "usage"),
    (["send"], 2, "words-missing"),
    (["join"], 2, "words-missing"),
    (["search", " "], 2, "usage"),
    (["join", "a b"], 2, "name-invalid"),
    (["leave", "never-joined"], 4, "not-member"),
    (["name", "a b"], 2, "name-invalid"),
    (["name", "--wake", "loud"], 2, "usage"),
    (["config", "colour"], 2, "setting-unknown"),
    (["config", "keep_days", "9" * 5_000], 2, "setting-invalid"),
    (["import", "nowhere.jsonl"], 2, "file-unreadable"),
    (["purge"], 2, "usage"),
    (["install", "notepad"], 4, "client-unknown"),
    (["nonsense"], 2, "verb-unknown"),
    ([b"\xff"], 2, "verb-unknown"),
    (["send", "@api", "x", "--no-such-option"], 2, "usage"),
]


@pytest.mark.parametrize(("words", "status", "code"), WORDS, ids=lambda one: ascii(one)[:60])
def test_wrong_words_change_nothing(
    shell: Shell, mail: list[str], words: list[str | bytes], status: int, code: str
) -> None:
    complains(shell.telex(*words, "--json"), status, code)
    assert messages(shell) == mail


@pytest.mark.parametrize("words", [[b"search", b"\xff"], [b"search", b'"'], [b"log", b"--with", b"later"]])
def test_odd_words_that_mean_something_find_what_there_is(shell: Shell, mail: list[str], words: list[bytes]) -> None:
    assert shell.telex(*words).status == 0


@pytest.mark.parametrize("words", [["--help"], ["send", "--help"], ["send", "-h"], ["help", "send"], ["help"]])
def test_help_is_no_error(shell: Shell, words: list[str]) -> None:
    ran = shell.telex(*words)
    assert (ran.status, ran.err) == (0, "")
    assert not shell.telex_home.exists()


# --- unicode everywhere -----------------------------------------------------------------------------------------


def test_text_of_every_language_goes_through(shell: Shell) -> None:
    text = "Grüße 日本語 שלום मानक 🏳️‍🌈 \u202e\u2028 ‰ 𝔘𝔫𝔦"
    data = '{"ключ 🔑": "värde"}'
    assert shell.telex("send", ME, text, "--data", data, "--key", "ключ", name="ci").status == 0
    assert shell.telex("send", ME, text, "--data", data, "--key", "ключ", name="ci").out.endswith("under this key\n")
    [letter] = shell.telex("inbox", "--json").json["messages"]
    assert (letter["body"], letter["data"]) == (text, {"ключ 🔑": "värde"})
    shown = shell.telex("read").out
    assert "Grüße 日本語" in shown
    assert "\u202e" not in shown
    assert len(shell.telex("search", "日本語", "--json").json["messages"]) == 1


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8", "de_DE.ISO-8859-1"])
def test_the_locale_changes_nothing(shell: Shell, locale: str) -> None:
    wish = {"LANG": locale, "LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    # Without Python's site module, which cannot read where a checkout lies if that is not ASCII.
    wish |= {"PYTHONPATH": os.pathsep.join(sys.path)}
    telex = [sys.executable, "-S", "-c", "import sys; from telex.cli.main import main; sys.exit(main())"]
    assert shell.run([*telex, "send", ME, "日本語 ü"], TELEX_NAME="ci", **wish).status == 0
    assert "日本語 ü" in shell.run([*telex, "inbox"], **wish).out
    assert shell.run([*telex, "inbox", "--json"], **wish).json["messages"][0]["body"] == "日本語 ü"


@pytest.mark.parametrize(
    "name", ["Überweisung 日本".encode(), b"caf\xe9 \xff", b"new\nline", b"quote'\"$(x)", b"\x1b[31m"]
)
def test_a_directory_may_have_any_name(shell: Shell, name: bytes) -> None:
    place = os.fsencode(shell.work) + b"/" + name
    os.mkdir(place)
    assert shell.telex("send", ME, "from there", name="ci", cwd=place).status == 0
    [letter] = shell.telex("inbox", "--json").json["messages"]
    assert letter["place"].startswith(f"{shell.work}/")
    ran = shell.telex("read")
    assert ran.status == 0
    assert "\x1b" not in ran.out


@pytest.mark.parametrize("home", ["mit Leerzeichen", "日本", "quote'\"$x", "-dash", "%s"])
def test_a_home_may_have_any_name_of_utf8(shell: Shell, home: str) -> None:
    place = {"TELEX_HOME": str(shell.home / home)}
    assert shell.telex("send", ME, "hello", name="ci", env=place).status == 0
    assert shell.telex("read", env=place).status == 0
    assert shell.telex("doctor", env=place).status == 0


# --- the store ----------------------------------------------------------------------------------------------------


def spoil(shell: Shell, change: Callable[[apsw.Connection], object]) -> None:
    """Change the store with SQLite's own means, in a process of its own kind (apsw, not sqlite3)."""
    con = apsw.Connection(str(shell.telex_home / "telex.db"))
    change(con)
    con.close()


COMMANDS = [["inbox"], ["send", "@api", "x"], ["read"], ["who"], ["log"], ["export"], ["wait", "--timeout", "0.01"]]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda one: one[0])
def test_a_store_that_is_no_database(shell: Shell, words: list[str]) -> None:
    shell.telex_home.mkdir(mode=0o700)
    store = shell.telex_home / "telex.db"
    store.write_bytes(b"this is not a database\n" * 1_000)
    before = store.read_bytes()
    complains(shell.telex(*words, "--json"), 1, "store-corrupt")
    assert store.read_bytes() == before


@pytest.mark.parametrize("words", COMMANDS, ids=lambda one: one[0])
def test_a_store_from_a_newer_telex_is_not_touched(shell: Shell, mail: list[str], words: list[str]) -> None:
    spoil(shell, lambda con: con.execute(f"PRAGMA user_version = {limits.SCHEMA_VERSION + 1}"))
    before = contents(shell.telex_home)
    complains(shell.telex(*words, "--json"), 1, "store-newer")
    assert contents(shell.telex_home) == before
    spoil(shell, lambda con: con.execute(f"PRAGMA user_version = {limits.SCHEMA_VERSION}"))
    assert messages(shell) == mail


def contents(home: Path) -> dict[str, bytes]:
    """Every file that holds something, but SQLite's shared memory, which any reader renews."""
    files = [path for path in sorted(home.rglob("*")) if path.is_file() and not path.name.endswith("-shm")]
    return {str(path): held for path in files if (held := path.read_bytes())}


@pytest.mark.parametrize("version", [0, limits.SCHEMA_VERSION, 99])
@pytest.mark.parametrize("words", [["inbox"], ["send", "@api", "x"]], ids=lambda one: one[0])
def test_a_database_of_somebody_else_is_not_touched(shell: Shell, version: int, words: list[str]) -> None:
    shell.telex_home.mkdir(mode=0o700)
    path = shell.telex_home / "telex.db"
    program = (
        f"import sqlite3; c = sqlite3.connect({str(path)!r});"
        f"c.execute('create table mine (x)'); c.execute('pragma user_version = {version}'); c.commit()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)  # sqlite3 and apsw do not share a process
    before = path.read_bytes()
    ran = shell.telex(*words, "--json")
    assert ran.error["code"] in ("store-corrupt", "store-newer")
    assert ran.status == 1
    assert path.read_bytes() == before


def test_an_empty_file_is_a_new_store(shell: Shell) -> None:
    shell.telex_home.mkdir(mode=0o700)
    (shell.telex_home / "telex.db").write_bytes(b"")
    assert shell.telex("send", ME, "hello", name="ci").status == 0
    assert messages(shell) == ["hello"]


def test_a_damaged_page_is_said_to_be_and_what_is_whole_is_read(shell: Shell) -> None:
    for number in range(3):
        shell.telex("send", ME, f"{number} " + "x" * 5_000, name="ci")
    store = shell.telex_home / "telex.db"
    spoil(shell, lambda con: con.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
    raw = bytearray(store.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 200] = os.urandom(200)
    store.write_bytes(raw)
    for words in COMMANDS:
        ran = shell.telex(*words, "--json")
        assert ran.status in (0, 1, 3, 5)
        if ran.status == 1:
            assert ran.error["code"] in ("store-corrupt", "store-unreachable")
        assert "Traceback" not in ran.err
        assert "a fault of telex itself" not in ran.err


@pytest.mark.needs_root("another user has a store")
@pytest.mark.parametrize("what", ["nothing", "file", "directory", "home"])
def test_a_store_that_may_only_be_read(what: str) -> None:
    with other_user.open_to_all() as root:
        place = root / "theirs"
        place.mkdir()
        os.chown(place, other_user.UID, other_user.UID)
        home = str(place / "home")
        paths = other_user.does("make_home", home)
        assert any(path.endswith("telex.db") for path in paths)
        if what == "file":
            for path in paths:
                os.chmod(path, 0o400)
        if what in ("directory", "home"):
            os.chmod(home, 0o500)
        if what == "home":
            for path in paths:
                os.chmod(path, 0o400)
        for words in (["send", "@later", "again"], ["inbox"], ["log"]):
            status, out, err = other_user.does("telex_in", home, *words)
            if what == "nothing":
                assert (status, err) == (0, "")
            elif status:
                assert status == 1
                assert out == ""
                assert err.startswith("telex: nothing can be written in")
                assert "a fault of telex itself" not in err
            else:  # what lies in the home may be writable though nothing new can be put beside it
                assert words[0] != "send" or what == "directory"
        os.chmod(home, 0o700)
        for path in paths:
            os.chmod(path, 0o600)
        status, out, err = other_user.does("telex_in", home, "log", "--json")
        assert (status, err) == (0, "")
        assert '"hello"' in out


# --- the home -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["inbox"], ["send", "@api", "x"], ["status"], ["doctor"], ["config"]])
def test_without_a_home_nothing_can_be_done(shell: Shell, words: list[str]) -> None:
    complains(shell.telex(*words, "--json", HOME="", TELEX_HOME=""), 1, "home-unknown")


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o701, 0o777])
def test_a_home_that_others_can_enter_is_refused(shell: Shell, mail: list[str], mode: int) -> None:
    shell.telex_home.chmod(mode)
    ran = shell.telex("inbox", "--json")
    complains(ran, 1, "home-unsafe")
    assert ran.error["hint"] == f"chmod 700 {shell.telex_home}"
    shell.telex_home.chmod(0o700)
    assert messages(shell) == mail


def test_a_home_that_is_a_file_is_refused(shell: Shell) -> None:
    shell.telex_home.write_text("mine")
    complains(shell.telex("inbox", "--json"), 1, "home-unsafe")
    assert shell.telex_home.read_text() == "mine"


def test_a_home_below_a_file_is_refused(shell: Shell) -> None:
    (shell.home / "file").write_text("mine")
    complains(shell.telex("inbox", "--json", TELEX_HOME=f"{shell.home}/file/below"), 1, "store-unreachable")


def test_a_home_that_is_a_link_to_ones_own_directory_will_do(shell: Shell) -> None:
    target = shell.home / "elsewhere"
    target.mkdir(mode=0o700)
    shell.telex_home.symlink_to(target)
    assert shell.telex("send", ME, "hello", name="ci").status == 0


@pytest.mark.needs_root("only root gives a directory away")
def test_a_home_that_another_user_owns_is_refused(shell: Shell, mail: list[str]) -> None:
    os.chown(shell.telex_home, other_user.UID, other_user.UID)
    complains(shell.telex("inbox", "--json"), 1, "home-unsafe")
    os.chown(shell.telex_home, os.getuid(), os.getgid())
    assert messages(shell) == mail


def test_a_home_that_was_made_by_hand_will_do(shell: Shell) -> None:
    shell.telex_home.mkdir(mode=0o700)
    assert shell.telex("send", ME, "hello", name="ci").status == 0
    assert shell.telex("send", "@later", "hello").status == 0
    assert messages(shell) == ["hello", "hello"]


@pytest.mark.parametrize("room", ["bells", "owed", "turns", "inboxes", "bodies", "bin"])
def test_a_room_that_was_tidied_away_is_no_fault(shell: Shell, mail: list[str], room: str) -> None:
    (shell.telex_home / room).rename(shell.home / "tidied")
    large = "x" * 20_000
    assert shell.telex("send", ME, stdin=large.encode(), name="ci").status == 0
    ran = shell.telex("read")
    assert (ran.status, ran.err) == (0, "")
    assert messages(shell)[1:] == mail


def test_two_first_commands_at_once_make_one_home(shell: Shell) -> None:
    ran = shell.sh("for n in 1 2 3 4 5 6; do TELEX_NAME=s$n telex send @later hello & done; wait")
    assert ran.err == ""
    assert len(messages(shell)) == 6


def test_the_working_directory_may_be_gone(shell: Shell, mail: list[str]) -> None:
    ran = shell.sh("mkdir gone && cd gone && rmdir ../gone && telex inbox --json")
    assert "a fault of telex itself" not in ran.err
    assert messages(shell) == mail


def test_a_store_that_is_locked_is_not_lost(shell: Shell, mail: list[str]) -> None:
    con = apsw.Connection(str(shell.telex_home / "telex.db"))
    con.execute("BEGIN IMMEDIATE")
    assert shell.telex("inbox").status == 0  # readers never wait
    con.execute("ROLLBACK")
    con.close()
    assert messages(shell) == mail


def test_the_number_in_the_header_is_telexs_own(shell: Shell, mail: list[str]) -> None:
    spoil(shell, lambda con: con.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
    raw = (shell.telex_home / "telex.db").read_bytes()
    assert raw[68:72] == APPLICATION_ID.to_bytes(4, "big")
