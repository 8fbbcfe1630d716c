"""Reading: the inbox, marking, waiting, asking; and that looking consumes nothing."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from tests.support.machine import MINUTE, Machine, Seat, said

from telex import limits
from telex.bus import inbox
from telex.bus.message_view import Letter
from telex.db.connection import Store
from telex.errors import AskedFirst, KindUnknown, MessageUnknown, MoveRefused, NameInvalid, StoreBusy, TimedOut
from telex.fs import bells, watch
from telex.fs.lock import FileLock
from telex.mail import retention

# --- looking ----------------------------------------------------------------------------------------------


def test_looking_consumes_nothing(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    answer = api.send("@web", "hello")
    for _ in range(3):
        assert said(web.inbox()) == ["hello"]
        assert web.unread() == 1
    machine.person.show(answer.id)
    web.show(answer.id)
    web.log()
    web.search("hello")
    assert machine.states(answer) == {"@web": "queued"}
    assert web.rings()


def test_the_inbox_is_oldest_first_and_as_long_as_wanted(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    for number in range(30):
        api.send("@web", f"{number}")
    assert said(web.inbox()) == [str(number) for number in range(limits.LIST_ROWS)]
    assert said(web.inbox(most=2)) == ["0", "1"]
    assert web.unread() == 30


def test_a_request_stays_in_the_inbox_until_it_is_answered(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    request = api.send("@web", "which port?", kind="request")
    api.send("@web", "a note")
    web.hook()
    assert said(web.inbox()) == ["which port?"]
    assert web.unread() == 0
    web.reply(request.id, "5173")
    assert web.inbox() == []


def test_everything_is_the_newest_of_what_ever_came(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    for number in range(5):
        api.send("@web", f"{number}")
    web.read("m1", "m2")
    assert said(web.inbox(everything=True)) == ["0", "1", "2", "3", "4"]
    assert said(web.inbox(everything=True, most=2)) == ["3", "4"]


# --- reading ----------------------------------------------------------------------------------------------


def test_reading_marks_what_was_handed_over(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    answers = [api.send("@web", f"{number}") for number in range(3)]
    assert said(web.read(most=2)) == ["0", "1"]
    assert [machine.states(one)["@web"] for one in answers] == ["read", "read", "queued"]
    assert web.rings()
    assert said(web.read()) == ["2"]
    assert not web.rings()
    assert web.read() == []


def test_what_nobody_took_is_not_read(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    answer = api.send("@web", "hello")

    def refuse(_: list[Letter]) -> None:
        raise BrokenPipeError

    ways: list[Callable[[], object]] = [
        lambda: web.read(emit=refuse),
        lambda: web.read(answer.id, emit=refuse),
        lambda: web.wait(timeout_s=1, emit=refuse),
    ]
    for act in ways:
        with pytest.raises(BrokenPipeError):
            act()
    assert machine.states(answer) == {"@web": "queued"}
    assert web.rings()


def test_a_message_is_read_by_any_of_its_ids(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    answer = api.send("@web", "hello")
    for id in ("m1", "1", "M1", "#1", answer.uuid, answer.uuid.upper().replace("-", "")):
        assert said(web.read(id)) == ["hello"]


def test_one_unknown_id_reads_none(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    answer = api.send("@web", "hello")
    with pytest.raises(MessageUnknown, match="there is no message m9"):
        web.read(answer.id, "m9")
    assert machine.states(answer) == {"@web": "queued"}


def test_reading_what_was_sent_to_another_marks_nothing(machine: Machine) -> None:
    api, _, docs = machine.named("api", "web", "docs")
    answer = api.send("@web", "hello")
    [letter] = docs.read(answer.id)
    assert (letter.body, letter.state) == ("hello", "")
    assert machine.states(answer) == {"@web": "queued"}


def test_two_readers_of_one_inbox_share_it(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    answer = api.send("@web", "hello")
    first: list[str] = []

    def meanwhile(letters: list[Letter]) -> None:
        first.extend(said(letters))
        with pytest.raises(StoreBusy):  # whoever else reads this inbox waits for us, here in vain
            inbox._Inbox(machine.db, web.me).__enter__()

    patience = limits.BUSY_MS
    limits.BUSY_MS = 0
    try:
        web.read(emit=meanwhile)
    finally:
        limits.BUSY_MS = patience
    assert first == ["hello"]
    assert machine.states(answer) == {"@web": "read"}


def test_a_hook_that_cannot_have_the_inbox_leaves_the_mail(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    api, web = machine.named("api", "web")
    answer = api.send("@web", "hello")
    monkeypatch.setattr(limits, "READ_LOCK_MS", 0)
    lock = FileLock(f"{machine.home}/{bells.INBOXES}/{web.me.address.id}.lock")
    lock.acquire()
    assert web.hook() == ""
    assert machine.states(answer) == {"@web": "queued"}
    lock.close()
    assert "hello" in web.hook()


# --- done -------------------------------------------------------------------------------------------------


def test_done_closes_and_silences(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    answers = [api.send("@web", f"{number}") for number in range(2)]
    assert web.done(answers[0].id, answers[1].uuid) == ["m1", "m2"]
    assert [machine.states(one) for one in answers] == [{"@web": "done"}] * 2
    assert not web.rings()
    assert web.done("m1") == ["m1"]


def test_done_is_all_or_nothing(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    mine, not_mine = api.send("@web", "hello"), web.send("@api", "hello")
    with pytest.raises(MoveRefused, match="m2 is not yours and cannot become done"):
        web.done(mine.id, not_mine.id)
    assert machine.states(mine) == {"@web": "queued"}


def test_what_expired_cannot_be_done(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    answer = api.send("@web", "lunch?", ttl_s=MINUTE)
    machine.clock.pass_by(MINUTE)
    web.hook()
    with pytest.raises(MoveRefused, match="m1 is expired and cannot become done"):
        web.done(answer.id)


# --- waiting ----------------------------------------------------------------------------------------------


def test_what_is_there_already_is_not_waited_for(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    answer = api.send("@web", "hello")
    assert said(web.wait(timeout_s=60)) == ["hello"]
    assert machine.states(answer) == {"@web": "read"}


def test_nothing_in_time_is_said_so(machine: Machine) -> None:
    [web] = machine.named("web")
    with pytest.raises(TimedOut, match=r"nothing came within 0\.01 s") as late:
        web.wait(timeout_s=0.01)
    assert late.value.status == 5


def test_only_the_wanted_sender_and_kind_end_the_waiting(machine: Machine) -> None:
    api, web, docs = machine.named("api", "web", "docs")
    api.send("@web", "a note from api")
    docs.send("@web", "a request from docs", kind="request")
    machine.person.send("@web", "a note from dana")
    assert said(web.wait(sender="@docs", timeout_s=1)) == ["a request from docs"]
    assert said(web.wait(sender="dana", kind="note", timeout_s=1)) == ["a note from dana"]
    with pytest.raises(TimedOut):
        web.wait(sender="api", kind="request", timeout_s=0.01)
    assert said(web.wait(kind="note", timeout_s=1)) == ["a note from api"]


def test_a_sender_is_waited_for_under_its_old_name_too(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    api.rename("backend")
    api.send("@web", "hello")
    assert said(web.wait(sender="api", timeout_s=1)) == ["hello"]


def test_a_sender_that_is_not_there_yet_may_be_waited_for(machine: Machine) -> None:
    [web] = machine.named("web")
    with pytest.raises(TimedOut):
        web.wait(sender="later", timeout_s=0.01)
    later = machine.arrive("/src/later")
    assert later.at == "@later"
    later.send("@web", "here I am")
    assert said(web.wait(sender="later", timeout_s=1)) == ["here I am"]


@pytest.mark.parametrize(("words", "problem"), [({"sender": "a b"}, NameInvalid), ({"kind": "order"}, KindUnknown)])
def test_waiting_for_what_cannot_be_is_refused_at_once(
    machine: Machine, words: dict[str, str], problem: type[Exception]
) -> None:
    [web] = machine.named("web")
    with pytest.raises(problem):
        web.wait(**words)  # type: ignore[arg-type]


def test_a_wanted_message_is_found_behind_many_others(machine: Machine) -> None:
    api, web, docs = machine.named("api", "web", "docs")
    for number in range(60):
        api.send("@web", f"{number}")
    docs.send("@web", "at last")
    assert said(web.wait(sender="docs", timeout_s=1)) == ["at last"]


@pytest.fixture(params=["inotify", "polling"])
def looking(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of noticing that a bell moved."""
    if request.param == "polling":
        monkeypatch.setattr(watch, "_inotify", lambda _: -1)


@pytest.fixture
def meanwhile(machine: Machine) -> Iterator[Callable[[Callable[[Store], None]], None]]:
    """Do something from another process's side as soon as somebody sleeps; with a store of its own."""
    threads: list[threading.Thread] = []

    def start(act: Callable[[Store], None]) -> None:
        asleep = threading.Event()
        sleep = watch.Watch.wait

        def wait(self: watch.Watch, seconds: float | None) -> None:
            asleep.set()
            sleep(self, seconds)

        patch.setattr(watch.Watch, "wait", wait)

        def run() -> None:
            asleep.wait()
            db = Store(machine.home)
            act(db)
            db.close()

        threads.append(threading.Thread(target=run))
        threads[-1].start()

    with pytest.MonkeyPatch.context() as patch:
        yield start
        for thread in threads:
            thread.join()


@pytest.mark.usefixtures("looking")
def test_whoever_sleeps_is_woken_by_what_comes(
    machine: Machine, meanwhile: Callable[[Callable[[Store], None]], None]
) -> None:
    api, web = machine.named("api", "web")

    def send(db: Store) -> None:
        Seat(db, machine.clock, lambda: api.me).send("@web", "wake up")

    meanwhile(send)
    assert said(web.wait(timeout_s=60)) == ["wake up"]


@pytest.mark.usefixtures("looking")
def test_whoever_sleeps_sleeps_on_when_something_else_comes(
    machine: Machine, meanwhile: Callable[[Callable[[Store], None]], None]
) -> None:
    api, web, docs = machine.named("api", "web", "docs")

    def send(db: Store) -> None:
        seat = Seat(db, machine.clock, lambda: api.me)
        for number in range(5):
            seat.send("@web", f"not this {number}")
        Seat(db, machine.clock, lambda: docs.me).send("@web", "this")

    meanwhile(send)
    assert said(web.wait(sender="docs", timeout_s=60)) == ["this"]
    assert web.unread() == 5


def test_a_bell_that_rang_before_its_commit_is_not_missed(
    machine: Machine,
    meanwhile: Callable[[Callable[[Store], None]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The sender rings and commits only when the sleeper, which found nothing yet, waits for the sender's lock."""
    api, web = machine.named("api", "web")
    sleeper_waits = threading.Event()
    acquire = FileLock.acquire

    def wait_for_the_writer(lock: FileLock) -> None:
        sleeper_waits.set()
        acquire(lock)

    monkeypatch.setattr(FileLock, "acquire", wait_for_the_writer)

    def send(db: Store) -> None:
        ring = db.ring

        def ring_and_linger(bell: str) -> None:
            ring(bell)
            assert sleeper_waits.wait(60)

        db.ring = ring_and_linger  # type: ignore[method-assign]
        Seat(db, machine.clock, lambda: api.me).send("@web", "committed late")

    meanwhile(send)
    assert said(web.wait(timeout_s=60)) == ["committed late"]


def test_a_bell_without_mail_is_no_message(machine: Machine) -> None:
    [web] = machine.named("web")
    bells.ring(machine.home, web.me.address.bell)
    with pytest.raises(TimedOut):
        web.wait(timeout_s=0.02)


# --- asking -----------------------------------------------------------------------------------------------


def test_asking_sends_a_request_and_brings_the_reply(
    machine: Machine, meanwhile: Callable[[Callable[[Store], None]], None]
) -> None:
    api, web = machine.named("api", "web")

    def answer(db: Store) -> None:
        seat = Seat(db, machine.clock, lambda: web.me)
        [request] = seat.inbox()
        assert request.kind == "request"
        assert request.deadline_ms == machine.clock() + 1_000 * (60 + limits.ASK_SLACK_SECONDS)
        seat.send("@api", "not the reply")
        seat.reply(request.id, "5173", data='{"port": 5173}')

    meanwhile(answer)
    reply = api.ask("@web", "which port?", timeout_s=60)
    assert (reply.body, reply.data, reply.reply_to) == ("5173", '{"port":5173}', "m1")
    assert said(api.inbox()) == ["not the reply"]


def test_two_that_ask_each_other_do_not_wait_for_each_other(
    machine: Machine, meanwhile: Callable[[Callable[[Store], None]], None]
) -> None:
    """Would break: both sleep until their time is up, each with the other's request unread."""
    api, web = machine.named("api", "web")
    shown: list[str] = []
    ended = threading.Event()

    def ask_back(db: Store) -> None:
        seat = Seat(db, machine.clock, lambda: web.me)
        with pytest.raises(AskedFirst, match="@api asks you first: m"):
            seat.ask("@api", "yours?", timeout_s=3_600, emit=lambda some: shown.extend(said(some)))
        ended.set()

    meanwhile(ask_back)
    with pytest.raises(AskedFirst, match="@web asks you first: m") as first:
        api.ask("@web", "your port?", timeout_s=3_600, emit=lambda some: shown.extend(said(some)))
    assert ended.wait(60)
    assert first.value.status == 6
    assert sorted(shown) == ["your port?", "yours?"]
    assert (api.unread(), web.unread()) == (0, 0)


@pytest.mark.parametrize("length", [2, 3, 5])
def test_no_ring_of_askers_waits_for_itself(machine: Machine, length: int) -> None:
    """Each asks the next one; whoever looks last is asked by somebody who waits, along the ring, for itself."""
    seats = machine.named(*(f"s{number}" for number in range(length)))
    for number, one in enumerate(seats[1:], 1):
        one.send(f"@s{(number + 1) % length}", f"{number}?", kind="request")
    with pytest.raises(AskedFirst) as first:
        seats[0].ask("@s1", "0?", timeout_s=0.01)
    assert first.value.message == f"@s{length - 1} asks you first: m{length - 1}"


def test_without_that_look_the_ring_sleeps_until_its_time_is_up(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: the tests above must be able to fail."""
    monkeypatch.setattr(inbox, "asked_first", lambda *_: 0)
    api, web = machine.named("api", "web")
    web.send("@api", "yours?", kind="request")
    with pytest.raises(TimedOut):
        api.ask("@web", "your port?", timeout_s=0.01)


def test_a_request_of_somebody_else_or_one_that_was_seen_ends_no_wait(machine: Machine) -> None:
    api, web, cli = machine.named("api", "web", "cli")
    cli.send("@api", "something else?", kind="request")
    web.send("@api", "which one?", kind="request")
    api.read("m2")
    for words in ("the second one?", "or the third?"):  # it was seen: api asks back, knowing that web waits
        with pytest.raises(TimedOut):
            api.ask("@web", words, timeout_s=0.01)
    web.send("@api", "a note")
    with pytest.raises(TimedOut):
        api.ask("@web", "a note ends nothing?", timeout_s=0.01)
    api.join("#room")
    web.join("#room")
    cli.join("#room")
    web.send("@api", "among many?", kind="request")
    with pytest.raises(TimedOut):
        api.ask("#room", "who knows?", timeout_s=0.01)


def test_no_reply_in_time_says_how_far_the_request_got(machine: Machine) -> None:
    api, _ = machine.named("api", "web")
    with pytest.raises(TimedOut) as late:
        api.ask("@web", "which port?", timeout_s=0.01)
    assert late.value.advice == "m1 stands (@web: queued); a late reply comes to your inbox"


def test_a_notice_about_the_request_is_no_reply_to_it(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    web.hook()
    api.send("@web", "which port?", kind="request", deadline_s=1)
    machine.clock.pass_by(2)
    [notice] = api.inbox()
    assert notice.auto
    with pytest.raises(TimedOut):
        inbox.ask(machine.db, api.me, 1, lambda _: None, machine.clock, 0.01)


def test_a_reply_that_a_hook_has_shown_is_still_the_answer(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    request = api.send("@web", "which port?", kind="request")
    web.reply(request.id, "5173")
    api.hook()
    [found] = inbox.ask(machine.db, api.me, 1, lambda _: None, machine.clock, 1)
    assert found.body == "5173"


def test_waiting_watches_before_it_looks(machine: Machine) -> None:
    """What comes between the first look and the sleep is not slept through."""
    api, web = machine.named("api", "web")
    looks = 0

    def look() -> list[Letter]:
        nonlocal looks
        looks += 1
        if looks == 1:
            bells.ring(machine.home, web.me.address.bell)
            bells.silence(machine.home, web.me.address.bell)
            return []
        return [web.log()[0]]

    api.send("@web", "x")
    web.read()
    assert said(inbox.until(machine.db, web.me, look, machine.clock, 60)) == ["x"]
    assert looks == 2


class Asleep(Exception):
    """Nothing would ever end this sleep."""


@pytest.fixture
def sleeps(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The length of each sleep that no bell ends. Time goes on by as much, at once."""
    slept: list[float] = []

    def wait(_: watch.Watch, seconds: float | None) -> None:
        if seconds is None or len(slept) == 100:
            raise Asleep
        slept.append(seconds)
        machine.clock.now_ms += round(seconds * 1000)

    monkeypatch.setattr(watch.Watch, "wait", wait)
    return slept


@pytest.mark.parametrize("deadline_s", [1, 4, 5, 6, 90])
def test_a_wait_is_told_at_the_deadline_that_no_reply_came(
    machine: Machine, sleeps: list[float], deadline_s: int
) -> None:
    api, _ = machine.named("api", "web")
    api.send("@web", "which port?", kind="request", deadline_s=deadline_s)
    assert said(api.wait()) == ["no reply from @web to your request m1: its deadline has passed"]
    assert sum(sleeps) == deadline_s
    assert max(sleeps) <= limits.WAIT_STEP_SECONDS


def test_a_deadline_that_is_set_during_a_wait_ends_it_too(
    machine: Machine, sleeps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process of the same session asks; no bell of its own rings for that."""
    api, _ = machine.named("api", "web")
    pause_s = retention.pause_s

    def meanwhile(db: Store, now_ms: int) -> float:
        if not sleeps:
            api.send("@web", "which port?", kind="request", deadline_s=2)
            return limits.WAIT_STEP_SECONDS
        return pause_s(db, now_ms)

    monkeypatch.setattr(retention, "pause_s", meanwhile)
    assert said(api.wait()) == ["no reply from @web to your request m1: its deadline has passed"]
    assert sum(sleeps) == limits.WAIT_STEP_SECONDS


def test_a_wait_notices_what_is_overdue_for_others(machine: Machine, sleeps: list[float]) -> None:
    api, _, cli = machine.named("api", "web", "cli")
    late = api.send("@web", "soon stale", ttl_s=7)
    with pytest.raises(Asleep):
        cli.wait()
    assert machine.states(late) == {"@web": "expired"}


def test_what_cannot_be_noticed_keeps_no_wait_busy(
    machine: Machine, sleeps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a store that is read-only now: it looks again after a whole step."""
    api, _ = machine.named("api", "web")
    api.send("@web", "which port?", kind="request", deadline_s=1)
    monkeypatch.setattr(retention, "notice", lambda *_: None)
    with pytest.raises(Asleep):
        api.wait()
    assert sleeps == [1, *([limits.WAIT_STEP_SECONDS] * 99)]


def test_the_planted_wait_that_knows_only_its_bell_sleeps_on(
    machine: Machine, sleeps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: the tests above must be able to fail."""
    monkeypatch.setattr(retention, "pause_s", lambda *_: None)
    monkeypatch.setattr(inbox, "min", lambda *_: None, raising=False)
    api, _ = machine.named("api", "web")
    api.send("@web", "which port?", kind="request", deadline_s=1)
    with pytest.raises(Asleep):
        api.wait()
    assert sleeps == []


def test_following_the_log_shows_at_the_deadline_that_no_reply_came(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, _ = machine.named("api", "web")
    api.send("@web", "which port?", kind="request", deadline_s=1)
    looks = 0

    def sleep(_: float) -> None:
        nonlocal looks
        looks += 1
        assert looks < 20, "nothing is told"
        machine.clock.pass_by(0.2)

    monkeypatch.setattr(time, "sleep", sleep)
    found = next(iter(api.follow()))
    assert found.body == "no reply from @web to your request m1: its deadline has passed"


def test_a_watch_gives_its_descriptor_back(machine: Machine) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with watch.Watch(f"{machine.home}/bells", "b") as one:
            one.wait(0)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_directory_that_cannot_be_watched_is_looked_at_instead(tmp_path: str) -> None:
    with watch.Watch(f"{tmp_path}/nowhere", "b") as one:
        one.wait(0.001)
