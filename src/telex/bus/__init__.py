"""The verbs. Every face of telex, and every Python program, calls these and nothing below them.

Rules kept here: one method per verb, documented with what it raises; arguments are checked for form here, judged
in `bus/*.py`; the clock is an argument; nothing is printed.
"""

from __future__ import annotations

import os
import time

from telex import limits
from telex.bus.identity import Caller, identify, onlooker
from telex.core import message, names
from telex.db.connection import Store
from telex.errors import DataInvalid, NameTaken, NotYourName, PersonOnly, StoreShut, TimedOut, Usage, WhoAreYou

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from telex.bus.guests import Instance
    from telex.bus.history import Shown
    from telex.bus.inbox import Taking
    from telex.bus.message_view import Letter
    from telex.bus.people import Channel, Presence
    from telex.bus.send import Sent
    from telex.config import Settings
    from telex.fs.watch import Watch

    Emit = Callable[[list[Letter]], None]


def _now_ms() -> int:
    return int(time.time() * 1000)


def here() -> str:
    """The working directory, or '' when it has been removed."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def _nothing(_: list[Letter]) -> None:
    pass


class Bus:
    """A session's way to all others: `bus = telex.open()`.

    Made by `telex.open`; not to be shared between threads or carried across a fork. The methods raise
    `telex.TelexError`s, whose `status` is the command line's exit status.
    """

    def __init__(self, db: Store, *, name: str = "", clock: Callable[[], int] = _now_ms) -> None:
        self.db = db
        self.clock = clock
        self._name = name
        self._caller: Caller | None = None

    @property
    def me(self) -> Caller:
        """Who this process is. Raises WhoAreYou, NameTaken."""
        if self._caller is None:
            self._caller = self._identified()
        return self._caller

    @property
    def reader(self) -> Caller:
        """Who this process is, for a verb that only reads: nothing is registered. Raises WhoAreYou, NameTaken."""
        return self._caller or self._identified(reads=True)

    @property
    def looker(self) -> Caller:
        """The same for a verb that shows what concerns others too: an agent that cannot be told may look. Raises
        NameTaken."""
        try:
            return self.reader
        except WhoAreYou:
            return onlooker(here())

    def _identified(self, *, reads: bool = False) -> Caller:
        try:
            found = identify(self.db, self.clock(), os.environ, here(), os.getpid(), self._name, reads=reads)
        except StoreShut:
            found = onlooker(here())
        self.db.persons = not found.is_agent
        return found

    def acting(self, caller: Caller) -> Bus:
        """The same bus for another caller, whom a face has made sure of (telex.bus.identity)."""
        other = Bus(self.db, clock=self.clock)
        other._caller = caller
        return other

    def watch(self) -> Watch:
        """What moves when something comes for the caller; to be closed (`with`)."""
        from telex.bus import inbox
        from telex.bus.identity import bell_of
        from telex.fs import bells
        from telex.fs.watch import Watch

        inbox.fetch(self.db)
        return Watch(f"{self.db.home}/{bells.BELLS}", bell_of(self.me))

    def close(self) -> None:
        """Close the store."""
        self.db.close()

    def __enter__(self) -> Bus:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- sending ---

    def send(
        self,
        to: str,
        body: str | bytes,
        *,
        kind: str = "note",
        data: str = "",
        reply_to: str = "",
        thread: str = "",
        ttl_s: float = 0,
        deadline_s: float = 0,
        key: str = "",
        strict: bool = False,
        quiet: bool = False,
        or_person: bool = False,
        team: bool = False,
        keep: bool = False,
        most_waiting: int = 0,
        per_minute: int = 0,
    ) -> Sent:
        """Send a message. When this returns, it is on the disk.

        `to` is @name, @name@machine, #channel, all, or several with commas; `data` a JSON object as text; `thread` a
        message's id or a word; `key` makes a repeat return the first answer; `deadline_s` is a request's (an hour by
        default); with `or_person` what is to all goes to the person while no session is here, with `team` to everybody
        in the team; what is to a channel where nobody else is waits for those who come, where the caller is a member or
        with `keep`; `most_waiting` and `per_minute` stand in for the settings where they are less.
        Raises WrongWords, Refused, NotFound, StoreFault.
        """
        from telex.bus import send
        from telex.mail import messages

        body = message.body_text(body)
        message.check_kind(kind)
        out = send.Outgoing(
            to=names.parse_targets(to),
            body=body,
            kind=kind,
            data=self._data(data),
            reply_to=messages.number_of(self.db, reply_to) if reply_to else 0,
            ttl_ms=int(ttl_s * 1000),
            key=_bounded(key, "key"),
            strict=strict,
            quiet=quiet,
            or_person=or_person,
            team=team,
            keep=keep,
            most_waiting=most_waiting,
            per_minute=per_minute,
        )
        if team and not any(one.kind == "all" for one in out.to):
            raise Usage(problem="--team goes with 'all'", verb="send")
        if thread:
            self._set_thread(out, thread)
        if kind in message.OWES_REPLY:
            out.deadline_ms = int(1000 * (deadline_s or self.settings().request_deadline_seconds))
        return send.send(self.db, self.me, out, self.clock())

    def reply(self, to_id: str, body: str | bytes, *, kind: str = "reply", data: str = "", key: str = "") -> Sent:
        """Answer a message: to its sender, in its thread. Raises as `send` does, and MessageUnknown."""
        from telex.bus import flow_control, send
        from telex.mail import addresses, messages

        text = message.body_text(body)
        message.check_kind(kind)
        number = messages.number_of(self.db, to_id)
        parent = messages.get(self.db, number)
        assert parent is not None
        flow_control.check_answerable(parent)
        if parent.sender == self.me.address.id:
            to = names.parse_targets(parent.addressed)
        else:
            name, machine = names.split(addresses.address(self.db, parent.sender).name)
            to = [names.Target(kind="name", name=name, machine=machine)]
        out = send.Outgoing(
            to=to, body=text, kind=kind, data=self._data(data), reply_to=number, key=_bounded(key, "key")
        )
        return send.send(self.db, self.me, out, self.clock())

    def ask(
        self, to: str, body: str | bytes, *, timeout_s: float = 600, data: str = "", emit: Emit = _nothing
    ) -> Letter:
        """Send a request and wait for the reply. Raises TimedOut, and as `send` does; AskedFirst, once `emit` has had
        the unread request of whoever was asked: both would wait for each other."""
        from telex.bus import inbox

        # Whoever waits sees the end of its time before a sweep does, so that it is told once.
        deadline_s = timeout_s + limits.ASK_SLACK_SECONDS
        sent = self.send(to, body, kind="request", data=data, deadline_s=deadline_s)
        found = inbox.ask(self.db, self.me, int(sent.id[1:]), emit, self.clock, timeout_s)
        return found[0]

    def asked_first(self, id: str) -> str:
        """The id of an unread request of whoever owes the caller a reply to its request `id`; '' for none."""
        from telex.bus import inbox
        from telex.mail import messages

        first = inbox.asked_first(self.db, self.me, messages.number_of(self.db, id))
        return message.short_id(first) if first else ""

    # --- reading ---

    def inbox(self, *, everything: bool = False, most: int = limits.LIST_ROWS) -> list[Letter]:
        """What is unread, and requests not answered yet, oldest first, heads only; nothing is consumed."""
        from telex.bus import inbox

        inbox.fetch(self.db)
        me = self.reader
        if not me.address.id and me.session is None:
            raise StoreShut(home=self.db.home, problem="this session is not registered, so it has no inbox yet")
        self.notice_overdue()
        return inbox.inbox(self.db, me, everything=everything, most=most)

    def unread(self, *, handed: bool = True) -> int:
        """How many messages wait to be shown; with `handed` also those handed over and not proved."""
        return int(self.db.value("mail.unseen_count" if handed else "mail.waiting_count", self.reader.address.id))

    def read(self, *ids: str, emit: Emit = _nothing, most: int = limits.LIST_ROWS) -> list[Letter]:
        """The named messages, or the oldest unread ones, whole; they are marked read once `emit` has returned."""
        from telex.bus import inbox

        inbox.fetch(self.db)
        self.notice_overdue()
        return inbox.read(self.db, self.me, list(ids), emit, self.clock, most=most)

    def take(self, *, most: int = limits.LIST_ROWS, patience_ms: int = limits.BUSY_MS, whole: bool = True) -> Taking:
        """The oldest messages that wait, to be marked read in a second step: `Taking.finish`; without `whole` only the
        heads of large ones. Raises StoreBusy where somebody else has the inbox for longer than `patience_ms`."""
        from telex.bus.inbox import Taking

        self.notice_overdue()
        return Taking(self.db, self.me, self.clock, most=most, patience_ms=patience_ms, whole=whole)

    def done(self, *ids: str) -> list[str]:
        """Mark messages handled. Raises MessageUnknown, MoveRefused."""
        from telex.bus import inbox

        return [message.short_id(n) for n in inbox.done(self.db, self.me, list(ids), self.clock())]

    def wait(self, *, sender: str = "", kind: str = "", timeout_s: float = 0, emit: Emit = _nothing) -> list[Letter]:
        """Sleep until something matching comes; 0 waits for ever. Raises TimedOut, NameInvalid, KindUnknown."""
        from telex.bus import inbox

        who = 0
        if kind:
            message.check_kind(kind)
        if sender:
            who = self._place(names.parse_name(sender))
        return inbox.wait(self.db, self.me, emit, self.clock, sender=who, kind=kind, timeout_s=timeout_s)

    # --- looking back ---

    def show(self, id: str) -> Shown:
        """One message with every delivery: state, when, why. Raises MessageUnknown."""
        from telex.bus import history

        self.notice_overdue()
        return history.show(self.db, self.looker, id)

    def log(self, *, partner: str = "", everything: bool = False, most: int = limits.LIST_ROWS) -> list[Letter]:
        """History, newest first. Raises NameUnknown, NameInvalid."""
        from telex.bus import history

        self.notice_overdue()
        return history.log(self.db, self.looker, partner=partner, everything=everything, most=most, now_ms=self.clock())

    def follow(self, *, everything: bool = False, timeout_s: float = 0) -> Iterator[Letter]:
        """What comes from now on, as it comes; 0 goes on for ever."""
        from telex.bus import history

        last = history.newest(self.db)
        end = time.monotonic() + timeout_s if timeout_s else None
        while end is None or time.monotonic() < end:
            self.notice_overdue()
            newest = history.newest(self.db)
            if newest > last:
                yield from history.since(self.db, self.looker, last, everything=everything)
                last = newest
            time.sleep(limits.FOLLOW_POLL_MS / 1000)

    def search(self, *words: str, everything: bool = False, most: int = limits.LIST_ROWS) -> list[Letter]:
        """Messages that hold all the words, newest first. Raises Usage for no words."""
        from telex.bus import history

        return history.search(self.db, self.looker, list(words), everything=everything, most=most)

    def thread(self, id: str) -> list[Letter]:
        """A conversation, oldest first, by any message of it or by its word. Raises MessageUnknown."""
        from telex.bus import history

        return history.thread(self.db, self.looker, id)

    # --- people ---

    @property
    def linked(self) -> bool:
        """Whether this machine is in a team, so that a message may leave it."""
        from telex.mail import addresses

        return addresses.linked(self.db)

    def who(self, *, everybody: bool = False) -> list[Presence]:
        """Sessions with client, directory, state and unread count."""
        from telex.bus import inbox, people

        inbox.fetch(self.db)
        self.notice_overdue()
        return people.who(self.db, self.looker, self.clock(), everybody=everybody)

    def channels(self) -> list[Channel]:
        """Channels with their members."""
        from telex.bus import people

        return people.channels(self.db, self.looker)

    def join(self, channel: str) -> str:
        """Become a member of a channel. Raises NameInvalid."""
        from telex.bus import people

        return people.join(self.db, self.me, channel, self.clock())

    def leave(self, channel: str) -> str:
        """Leave a channel. Raises NameInvalid, NotMember."""
        from telex.bus import people

        return people.leave(self.db, self.me, channel)

    def active_channel(self) -> str:
        """The channel joined last, else that of the session's title, else that of the directory; '' for none."""
        from telex.bus import people

        return people.active_channel(self.db, self.looker)

    def rename(self, name: str) -> str:
        """Take another name; the old one leads here for two hours. Raises NameInvalid, NameReserved, NameTaken."""
        from telex.bus import people

        renamed = people.rename(self.db, self.me, name, self.clock())
        self._caller = None
        return f"@{renamed.name}"

    def set_wake(self, mode: str) -> None:
        """What wakes this session when it is idle: direct, requests, all or never. Raises Usage."""
        from telex.bus import people

        people.set_wake(self.db, self.me, mode)
        self._caller = None

    # --- commands that say nothing of themselves ---

    def enter(self, name: str = "") -> Caller:
        """Make this process a session of its own, for the life of a command that it runs: with that very name, or else
        by TELEX_NAME or the directory. Raises AlreadySession, WhoAreYou, NameTaken, NameInvalid, NameReserved."""
        from telex.bus import run_session

        name = names.fold_own(name) if name else ""
        self._caller = run_session.enter(self.db, name, os.environ, here(), self.clock())
        return self._caller

    def exit(self, key: str, why: str) -> None:
        """That command is over: its session ends, and those who wait for its reply are told."""
        from telex.bus import run_session

        run_session.leave(self.db, key, why)

    # --- guests: names that are registered, and tokens (the claude-ipc face) ---

    def admit(self, name: str, written: str, *, pid: int, directory: str = "", token: str = "") -> tuple[Bus, str]:
        """Register whoever has no session under a name, spelled as `written`: its bus and its new token. It lives as
        long as the process; with the token of its holder a name that is alive is given too. Raises NameTaken,
        NameInvalid, NameReserved."""
        from telex.bus import guests

        name = names.fold_own(name)
        caller, fresh = guests.admit(self.db, name, written, token, pid, directory, self.clock())
        return self.acting(caller), fresh

    def settle(self, name: str, written: str) -> str:
        """Register the caller's own session: it takes the name, with the mail that waits there; its new token.
        Raises NameTaken, NameInvalid, NameReserved, IpcRefused."""
        from telex.bus import guests

        self._caller, token = guests.settle(self.db, self.me, names.fold_own(name), written, self.clock())
        return token

    def guest(self, token: str, *, pid: int) -> Bus | None:
        """The bus of whoever holds a token; None for a token that is not valid."""
        from telex.bus import guests

        caller = guests.of_token(self.db, token, pid, self.clock())
        return self.acting(caller) if caller else None

    def account(self, pid: int) -> str:
        """On whose account a process registers names: the session that it runs in, else the kernel's session of it;
        '' where it cannot be told."""
        from telex.bus import guests

        return guests.account(self.db, pid)

    def adopt_guests(self, pid: int) -> int:
        """Guests whose process is gone live on in this one; how many."""
        from telex.bus import guests

        return guests.adopt(self.db, pid, self.clock())

    def rename_guest(self, name: str, written: str) -> None:
        """Take another name, once in `ipc_rename_seconds`. Raises NameTaken, NameInvalid, NameReserved,
        RenamedLately, IpcRefused."""
        from telex.bus import guests

        self._caller = guests.rename(self.db, self.me, names.fold_own(name), written, self.clock())

    def registered(self) -> bool:
        """Whether the caller has ever registered its name."""
        from telex.bus import guests

        return guests.registered(self.db, self.me)

    def instances(self) -> list[Instance]:
        """Every live session, and every guest whose token is good."""
        from telex.bus import guests

        return guests.roster(self.db, self.clock())

    def spelling(self, name: str) -> str:
        """How a name was written when it was registered; the name itself where it never was."""
        from telex.bus import guests

        return guests.spelling(self.db, name)

    def leads_to(self, name: str) -> str:
        """The name that a name stands for, through renames; '' where nobody was ever called that."""
        from telex.mail import addresses

        place = addresses.address_named(self.db, names.fold(name), self.clock())
        return place.name if place else ""

    def address_of(self, written: str) -> str:
        """The name under which a sender's mail comes: at its machine, where it is another one. Raises NameInvalid,
        NotLinked, NameAmbiguous."""
        from telex.bus import recipients

        target = names.parse_name(written)
        place = recipients.find(self.db, target, self.clock())
        if place is None:
            return names.at_machine(target.name, target.machine)
        return place.name if place.elsewhere else target.name

    # --- keeping ---

    def export(self) -> Iterator[str]:
        """Every message as one line of JSON, oldest first."""
        from telex.bus import archive

        return archive.export(self.db)

    def take_in(self, lines: Iterable[str], *, queued: bool = True) -> tuple[int, int]:
        """Import exported lines: (taken, already here). Without `queued` what nobody had read is closed; what says
        that it is the person's or telex's own always is. Raises PersonOnly, and ImportInvalid before anything is taken.
        """
        from telex.bus import archive

        self._person_only("importing mail")
        return archive.take_in(self.db, lines, self.clock(), queued=queued)

    def purge(self, *, older_than_s: float, open_too: bool = False, partner: str = "") -> int:
        """Remove finished messages that really are gone then; how many. Raises PersonOnly, NameInvalid."""
        from telex.bus import archive, recipients

        self._person_only("deleting mail")
        who = 0
        if partner:
            place = recipients.find(self.db, names.parse_name(partner), self.clock())
            if place is None:
                return 0
            who = place.id
        before_ms = self.clock() - int(older_than_s * 1000) + 1
        return archive.purge(self.db, before_ms=before_ms, open_too=open_too, address=who, now_ms=self.clock())

    def settings(self) -> Settings:
        """Every setting with its source."""
        from telex.db import settings

        self.learn_owner()
        return settings.load(self.db)

    @property
    def persons(self) -> bool:
        """Whether the caller is the person, or a script of theirs. Raises WhoAreYou, NameTaken."""
        return not self.reader.is_agent

    def learn_owner(self) -> None:
        """Find out whose process this is, so that the person's environment counts; nothing where it cannot be told."""
        try:
            self.reader  # noqa: B018
        except (WhoAreYou, NameTaken):
            pass

    def set_setting(self, name: str, value: str | None) -> None:
        """Set one, or with None take it back to its default. Raises PersonOnly, SettingUnknown, SettingInvalid."""
        from telex.db import settings

        self._person_only("changing a setting")
        settings.change(self.db, name, value)

    def notice_overdue(self) -> None:
        """Tell whom it concerns of deadlines that have passed; nothing where the store cannot be written now."""
        from telex.mail import retention

        retention.notice(self.db, self.clock())

    # --- checks of form ---

    def _place(self, target: names.Target) -> int:
        """The address at a name, made where it is missing. Raises NameReserved for what is nobody's."""
        from telex.bus import recipient, recipients
        from telex.mail import addresses

        place = recipients.find(self.db, target, self.clock())
        if place is None:
            with self.db.write():
                if target.name == addresses.SYSTEM and not target.machine:
                    return addresses.system(self.db, self.clock()).id
                names.fold_own(target.name)
                wanted, linked = recipient.Wanted(to=[target], near={}), addresses.linked(self.db)
                return recipients.resolve(self.db, self.me, wanted, linked, self.clock())[0].place.id
        return place.id

    def claim(self, name: str) -> None:
        """What `--from NAME` asks: a process without a session may take a free name, others only their own."""
        wanted = names.fold_own(name)
        if self.me.address.name == wanted:
            return
        if self.me.session is None and not self._name:
            self._caller, self._name = None, wanted
        if self.me.address.name != wanted:
            raise NotYourName(me=f"@{self.me.address.name}", claimed=f"@{wanted}")

    def _person_only(self, what: str) -> None:
        if not self.persons:
            raise PersonOnly(what=what, me=f"@{self.me.address.name}")

    def _data(self, text: str) -> str:
        """The canonical text of a JSON object, read and written by SQLite so that json need not be imported."""
        if not text:
            return ""
        problem = ""
        if len(text.encode("utf-8", "replace")) > limits.DATA_MOST_BYTES:
            problem = "it is too large"
        elif "\0" in text or not _is_utf8(text):
            problem = "it is not UTF-8 without NUL"
        elif not self.db.value("hook.valid", text):
            problem = "it is not an object"
        if problem:
            raise DataInvalid(most=limits.DATA_MOST_BYTES, problem=problem)
        return str(self.db.value("settings.canonical_json", text))

    def _set_thread(self, out: object, thread: str) -> None:
        from telex.errors import MessageUnknown
        from telex.mail import messages

        try:
            found = messages.get(self.db, messages.number_of(self.db, thread))
        except MessageUnknown:
            out.topic = names.fold(thread)  # type: ignore[attr-defined]
        else:
            assert found is not None
            out.thread = found.thread or found.n  # type: ignore[attr-defined]


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _bounded(key: str, what: str) -> str:
    if len(key) > limits.KEY_CHARS or not key.isprintable():
        raise Usage(problem=f"the {what} has more than {limits.KEY_CHARS} characters or unprintable ones", verb="send")
    return key


__all__ = ["Bus", "Caller", "TimedOut", "here"]
