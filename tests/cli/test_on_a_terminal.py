"""What is printed on a terminal, and what into a pipe: tables, colour, width, and who takes no answer."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Iterator, Mapping

import pyte
import pytest
from tests.support.cli import LONGEST_SECONDS, TELEX, Shell

from telex.mail.addresses import user_name

ESCAPE = b"\x1b["


class Terminal:
    """A terminal of a certain width that a command runs in; nobody types."""

    def __init__(self, shell: Shell, columns: int = 100) -> None:
        self.shell = shell
        self.columns = columns

    def run(self, *words: str, typed: bytes = b"", env: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """(exit status, the bytes that reached the terminal)."""
        main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 50, self.columns, 0, 0))
        variables = self.shell.environment | {"TERM": "xterm-256color"} | dict(env or {})
        os.write(main, typed)
        process = subprocess.Popen(
            [TELEX, *words],
            stdin=side,
            stdout=side,
            stderr=side,
            cwd=self.shell.work,
            env={name: value for name, value in variables.items() if value},
        )
        os.close(side)
        shown = b""
        while True:
            try:
                part = os.read(main, 65_536)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            shown += part
        os.close(main)
        return process.wait(LONGEST_SECONDS), shown

    def screen(self, shown: bytes) -> list[str]:
        """The lines that a person sees."""
        screen = pyte.Screen(self.columns, 50)
        pyte.ByteStream(screen).feed(shown)
        return [line.rstrip() for line in screen.display if line.strip()]


@pytest.fixture
def terminal(shell: Shell) -> Terminal:
    return Terminal(shell)


@pytest.fixture
def mail(shell: Shell) -> Iterator[None]:
    """Two messages wait for the person."""
    shell.telex("send", f"@{user_name()}", "the build is green", name="ci")
    shell.telex("send", f"@{user_name()}", "[bold red]no markup[/] " + "and long " * 12, name="cd")
    return iter(())


@pytest.mark.usefixtures("mail")
def test_a_terminal_gets_a_table(terminal: Terminal) -> None:
    status, shown = terminal.run("inbox")
    lines = terminal.screen(shown)
    assert status == 0
    assert lines[0].split() == ["id", "from", "to", "kind", "state", "age", "text"]
    assert set(lines[1].strip()) <= set("─━ ")
    assert lines[2].split()[:2] == ["m1", "@ci"]
    assert any("[bold red]no markup[/]" in line for line in lines)


@pytest.mark.usefixtures("mail")
def test_a_pipe_gets_plain_lines_and_no_colour(shell: Shell) -> None:
    ran = shell.telex("inbox", TERM="xterm-256color", COLORTERM="truecolor")
    assert ran.out.splitlines()[0].split() == ["id", "from", "to", "kind", "state", "age", "text"]
    assert "\x1b" not in ran.out
    assert "─" not in ran.out


@pytest.mark.usefixtures("mail")
@pytest.mark.parametrize("wish", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_who_wants_no_colour_gets_none(terminal: Terminal, wish: dict[str, str]) -> None:
    status, shown = terminal.run("inbox", env=wish)
    assert status == 0
    assert b"\x1b[3" not in shown
    assert b"\x1b[9" not in shown
    assert b"the build is green" in shown


@pytest.mark.usefixtures("mail")
@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_a_table_fits_the_terminal(shell: Shell, columns: int) -> None:
    terminal = Terminal(shell, columns)
    _, shown = terminal.run("inbox")
    for row in pyte_rows(shown):
        assert len(row) <= columns


def pyte_rows(shown: bytes) -> list[str]:
    """What was printed, line by line, without the terminal's own wrapping."""
    screen = pyte.Screen(1_000, 200)
    pyte.ByteStream(screen).feed(shown)
    return [line.rstrip() for line in screen.display if line.strip()]


@pytest.mark.usefixtures("mail")
def test_json_is_json_on_a_terminal_too(terminal: Terminal) -> None:
    _, shown = terminal.run("inbox", "--json")
    assert shown.startswith(b'{"me": "@')
    assert ESCAPE not in shown


def test_an_error_on_a_terminal_is_two_plain_lines(terminal: Terminal) -> None:
    status, shown = terminal.run("show", "m9")
    assert status == 4
    assert shown == b"telex: there is no message m9\r\nhint: 'telex log' lists the ids\r\n"


def test_a_message_without_words_is_not_waited_for_at_a_keyboard(terminal: Terminal) -> None:
    status, shown = terminal.run("send", "@api")
    assert status == 2
    assert b"the message is missing: give words, --file F or --stdin" in shown


@pytest.mark.usefixtures("mail")
@pytest.mark.parametrize(
    ("typed", "said", "left"),
    [(b"y\n", b"1 message", 1), (b"yes\n", b"1 message", 1), (b"n\n", b"nothing deleted", 2), (b"\n", b"nothing", 2)],
)
def test_deleting_is_asked_about_at_a_keyboard(
    terminal: Terminal, shell: Shell, typed: bytes, said: bytes, left: int
) -> None:
    shell.telex("read", "m1")
    status, shown = terminal.run("purge", "--with", "ci", typed=typed)
    assert status == 0
    assert b"delete for good? [y/N]" in shown
    assert said in shown
    assert len(shell.telex("log", "--json").json["messages"]) == left


@pytest.mark.usefixtures("mail")
def test_who_says_yes_beforehand_is_not_asked(terminal: Terminal, shell: Shell) -> None:
    shell.telex("read", "m1")
    status, shown = terminal.run("purge", "--with", "ci", "--yes")
    assert (status, b"[y/N]" in shown) == (0, False)


# --- nobody takes the answer ----------------------------------------------------------------------------------


def closed(shell: Shell, *words: str) -> int:
    """Run a command whose reader is gone; its exit status."""
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(
        [TELEX, *words], stdin=subprocess.DEVNULL, stdout=writer, cwd=shell.work, env=shell.environment, check=False
    )
    os.close(writer)
    return process.returncode


@pytest.mark.usefixtures("mail")
@pytest.mark.parametrize(
    "words", [["read"], ["read", "m1", "m2"], ["wait", "--timeout", "5"], ["inbox", "--mark-read"]]
)
def test_what_nobody_took_is_not_read(shell: Shell, words: list[str]) -> None:
    assert closed(shell, *words) == 141
    states = [one["state"] for one in shell.telex("inbox", "--json").json["messages"]]
    assert states == ["queued", "queued"]


@pytest.mark.usefixtures("mail")
@pytest.mark.parametrize("words", [["inbox"], ["log"], ["who"], ["config"], ["export"], ["--help"]])
def test_a_closed_pipe_is_no_complaint(shell: Shell, words: list[str]) -> None:
    ran = shell.sh(f"telex {' '.join(words)} | true")
    assert ran.err == ""


@pytest.mark.usefixtures("mail")
def test_a_closed_output_is_a_failure(shell: Shell) -> None:
    assert shell.sh("telex read >&-").status == 1
    assert len(shell.telex("inbox", "--json").json["messages"]) == 2


def test_a_full_output_is_a_failure(shell: Shell) -> None:
    shell.telex("send", f"@{user_name()}", "the build is green", name="ci")
    assert shell.sh("telex read > /dev/full").status == 1
    assert shell.telex("inbox", "--json").json["unread"] == 1
