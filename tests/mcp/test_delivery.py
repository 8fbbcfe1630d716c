"""What a tool shows is marked read once the answer's bytes have left, and never where they did not."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.clients.waiting import wait_for
from tests.mcp.peer import Home, Peer

from telex.fs.lock import FileLock

Start = Callable[..., Peer]


@contextmanager
def busy_store(home: Home) -> Iterator[None]:
    """Another process has the store's writers' lock."""
    lock = FileLock(f"{home.path}/write.lock")
    lock.acquire()
    try:
        yield
    finally:
        lock.release()
        lock.close()


def inbox_is_free(home: Home, name: str) -> bool:
    """Whether nobody is being shown this inbox now."""
    lock = FileLock(f"{home.path}/inboxes/{home.at(name).me.address.id}.lock")
    try:
        return lock.acquire_within(0)
    finally:
        lock.close()


def test_a_reader_killed_before_the_answer_left_is_shown_it_again(home: Home, peer: Start) -> None:
    """Would break: the answer goes into a pipe that nobody reads any more, and the message counts as read."""
    client = stuck(home)
    client.call("wait", timeout=60)
    assert client.process.stdout
    client.process.stdout.close()
    home.at("api").send("@frontend", "do not lose me")
    assert client.process.wait(timeout=20) is not None  # nobody reads what it says, so it ends
    assert home.states("m1") == ["queued"]
    assert "do not lose me" in peer().says("read")
    home.becomes("m1", "read")


def test_an_answer_that_a_stuck_client_never_takes_is_not_read(home: Home, peer: Start) -> None:
    """Would break: the answer is in the server's hands, the client does not read, and both are killed."""
    client = stuck(home)
    body = "y" * 30_000
    for number in range(8):
        home.at("api").send("@frontend", f"{number} {body}")
    for _ in range(8):
        client.call("read")  # a pipe takes 64 KiB; the rest has to wait in the server
    wait_for("the server to be stuck", lambda: not inbox_is_free(home, "frontend"))
    client.process.kill()
    client.process.wait()
    states = [home.states(f"m{number}")[0] for number in range(1, 9)]
    assert "queued" in states
    assert states == sorted(states, reverse=True)  # what was read came first, in order
    assert "7 y" in "".join(drained(peer()))
    client.close()


def stuck(home: Home) -> Peer:
    """A client that says things and never reads what comes."""
    gate = threading.Event()

    class Deaf(Peer):
        def _listen(self) -> None:
            gate.wait()

    client = Deaf(home, name="frontend", version="")
    info = {"name": "plain-client", "version": "1"}
    client.ask("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=info)
    client.notify("notifications/initialized")
    return client


def drained(client: Peer) -> list[str]:
    """Everything that is unread."""
    said = []
    while (words := client.says("read")) != "nothing unread":
        said.append(words)
    return said


def test_a_cancelled_wait_consumes_nothing(peer: Start, home: Home) -> None:
    client = peer()
    asleep = client.call("wait", timeout=60, meta={"progressToken": 1})
    client.notified("notifications/progress")
    client.cancel(asleep)
    home.at("api").send("@frontend", "for whoever reads next")
    assert "for whoever reads next" in client.says("read")
    assert not [one for one in client._heard if one.get("id") == asleep]


def test_an_answer_cancelled_before_it_left_is_shown_again(peer: Start, home: Home) -> None:
    """Would break: a read that the client gives up while the store is busy marks what nobody saw."""
    client = peer()
    home.at("api").send("@frontend", "still here")
    client.use("who")
    with busy_store(home):
        sending = client.call("send", to="@api", text="this has to wait")
        reading = client.call("read")
        client.cancel(reading)
    client.answer(sending)
    assert client.says("inbox") != "nothing unread"
    assert home.states("m1") == ["queued"]
    assert "still here" in client.says("read")


def test_two_reads_at_once_show_a_message_once(peer: Start, home: Home) -> None:
    client = peer()
    home.at("api").send("@frontend", "only once")
    answers = [client.answer(one) for one in [client.call("read") for _ in range(5)]]
    assert sum("only once" in str(one["result"]["content"]) for one in answers) == 1


def test_two_servers_of_one_session_show_each_message_once(peer: Start, home: Home) -> None:
    """Would break: two clients of one session read at once, and both or neither is shown a message."""
    clients = [peer(), peer()]
    api = home.at("api")
    shown: list[str] = []
    for number in range(60):
        api.send("@frontend", f"number {number}.")
        asked = [(client, client.call("read")) for client in clients]
        shown += [str(client.answer(one)["result"]["content"]) for client, one in asked]
    shown.append(clients[0].says("read"))
    assert [sum(f"number {number}." in one for one in shown) for number in range(60)] == [1] * 60


def test_nobody_else_is_shown_what_an_answer_is_just_showing(home: Home) -> None:
    """Would break: a hook of the same session shows a message while an answer with it is on its way."""
    client = stuck(home)
    for number in range(4):
        home.at("api").send("@frontend", f"{number} " + "z" * 29_000)
    for number in range(1, 5):
        client.call("read", ids=[f"m{number}"])
    wait_for("the server to be stuck", lambda: not inbox_is_free(home, "frontend"))
    client.close()
    assert inbox_is_free(home, "frontend")
    assert home.states("m4") == ["queued"]


def test_mail_that_came_while_the_server_was_down_is_there(peer: Start, home: Home) -> None:
    client = peer()
    client.use("who")
    assert client.end_input() == 0
    home.at("api").send("@frontend", "meanwhile")
    assert "meanwhile" in peer().says("read")


def test_calls_that_run_when_the_input_ends_still_answer(home: Home) -> None:
    """Would break: a script pipes its calls in and closes the pipe; half of them are stored and none is answered."""
    client = Peer(home, name="frontend")
    with busy_store(home):
        calls = [client.call("send", to="@api", text=f"number {number}") for number in range(5)]
        asleep = client.call("wait", timeout=600)
        assert client.process.stdin
        client.process.stdin.close()
    for one in calls:
        assert client.answer(one)["result"]["isError"] is False
    assert client.process.wait(timeout=20) == 0
    assert [one.body for one in home.at("api").inbox()] == [f"number {number}" for number in range(5)]
    assert asleep
    client.close()


def test_a_server_killed_between_answer_and_record_shows_again(peer: Start, home: Home) -> None:
    """Would break: at least once becomes at most once when the server dies at the worst moment."""
    client = peer()
    home.at("api").send("@frontend", "twice rather than never")
    client.use("who")
    with busy_store(home):
        reading = client.call("read")
        assert "twice rather than never" in str(client.answer(reading))
        client.process.kill()
        client.process.wait()
    assert home.states("m1") == ["queued"]
    assert "twice rather than never" in peer().says("read")


def test_nothing_is_left_running(peer: Start) -> None:
    client = peer()
    client.use("who")
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(client.process.pid)], capture_output=True, text=True, check=False
    )
    assert children.stdout == ""
    assert client.end_input() == 0
