"""Taking in what comes from other machines.

Rules kept here:
- a page is one transaction: its items in their order, the cursor, and what was missing; an item at which telex itself
  fails is taken back alone and reported, and the page goes on;
- a message is known by its id and its machine, also after it was removed here; what comes again changes nothing, and an
  id that is not known under a number that was had is refused;
- what a machine sends is judged like anybody's words: names, kinds and texts must be what a message may have, and the
  sender is whoever is at the machine that signed, never a claim;
- who it is for is decided here, by names and channels as they are now; each recipient has its own delivery, and what
  becomes of it is told back;
- the limits of this machine hold for letters of others as for its own; a person's word counts where the person is;
- clocks of other machines are not believed alone, nor is the relay: a time to live and a deadline count from when the
  letter was signed, within the bounds of telex.core.freshness; its age otherwise from how long ago it was written.
"""

from __future__ import annotations

from telex import limits
from telex.config import Settings
from telex.core import delivery, freshness, ids, message, names, sync
from telex.core.letter import Arrived, Letter, Receipt
from telex.core.record import Record
from telex.db import settings
from telex.db.connection import Store, fault
from telex.errors import StoreFault, TelexError, reasons
from telex.fs import bodies
from telex.mail import addresses, machine_flow, messages, nudges, pair_budget, retention
from telex.team import alerts, directory, link_state, outbox, receipts

_DAY_MS = 86_400_000
_NUMBER_END = 1 << 53  # what JSON carries exactly


class _For(Record):
    """One recipient here."""

    place: addresses.Address
    name: str  # as the sender wrote it
    via: str
    refusal: str = ""  # a code of errors.reasons


def take(db: Store, items: list[Arrived], now: sync.Taken, now_ms: int) -> int:
    """Take in a page of the team's log, and move the cursor; how many messages were new. One write."""
    for one in items:
        _keep_aside(db, one)
    with db.write():
        linked = link_state.load(db)
        if linked is None:
            return 0
        page = _Page(db, linked, settings.load(db), now_ms)
        if now.gap:
            alerts.note(db, alerts.GAP, "", f"the relay no longer had its items {now.gap[0]} to {now.gap[1]}", now_ms)
            db.run("arrivals.expect_anything")
        new = sum([page.take(one) for one in items])
        page.tell()
        db.run("link.set_cursor", now.state.epoch, now.state.cursor)
        if now.went_back:
            outbox.went_back(db, sync.again(linked.at_relay), now_ms)
        link_state.reached(db, now_ms)
        db.run("arrivals.forget_known", now_ms - limits.BYGONE_KEEP_DAYS * _DAY_MS)
        retention.sweep(db, now_ms, page.rules.keep_days)
        outbox.settle_bell(db)
    nudges.start(db, page.woken)
    return new


def _keep_aside(db: Store, one: Arrived) -> None:
    """A large body goes beside the store before any row refers to it."""
    found = one.letter
    if found is None or found.digest:
        return
    raw = found.body.encode("utf-8", "replace")
    if limits.BODY_INLINE_BYTES < len(raw) <= limits.BODY_MOST_BYTES:
        try:
            found.digest = bodies.keep(db.home, raw)
        except OSError as problem:
            raise fault(db.home, problem) from None
        found.size, found.body = len(raw), found.body[: limits.BODY_HEAD_CHARS]


def check(given: Letter) -> None:
    """Whether every field is what a message may have. Raises ValueError, WrongWords."""
    message.check_kind(given.kind)
    texts = (given.client, given.place, given.addressed, given.topic)
    if any(len(one) > limits.LETTER_TEXT_CHARS or "\0" in one for one in texts):
        raise ValueError("a text in it is too long or holds NUL")
    if "\0" in given.data or len(given.data.encode()) > limits.DATA_MOST_BYTES:
        raise ValueError("its data is none")
    if not _addressed(given.addressed, ""):
        raise ValueError("it is addressed to nobody")
    if not names.is_name(given.sender) or given.sender in names.RESERVED:
        raise ValueError("its sender has no name")
    if given.sender_kind not in ("session", "person") or (given.topic and not names.is_name(given.topic)):
        raise ValueError("its sender or its topic is none")
    if not given.digest:
        message.body_text(given.body)
    elif len(given.digest) != len(message.digest(b"")):
        raise ValueError("its body is none")
    listed = [one for some in (given.to, given.members, given.without) for one in some.values()]
    if any(len(one) > limits.INBOX_WAITING for one in (*listed, given.channels)):
        raise ValueError("it is for too many")
    if any(len(one) > limits.RECIPIENTS_PER_SEND for one in given.to.values()):
        raise ValueError("it names too many")
    if not all(names.is_name(one) for some in (*listed, given.channels) for one in some):
        raise ValueError("it is for somebody who has no name")
    numbers = (given.hops, given.size, given.created_ms, given.expires_ms, given.deadline_ms)
    if not all(0 <= one < _NUMBER_END for one in numbers):
        raise ValueError("a number in it is out of range")


class _Page:
    """What the items of one page share, inside its write."""

    def __init__(self, db: Store, linked: link_state.Link, rules: Settings, now_ms: int) -> None:
        self.db = db
        self.linked = linked
        self.rules = rules
        self.now_ms = now_ms
        self.woken: list[addresses.Session] = []
        self._refused: dict[str, list[Receipt]] = {}  # for each machine, what of it is not even kept here

    def take(self, one: Arrived) -> int:
        """One item; 1 for a new message. What does not fit is noted and holds up nothing, whatever is wrong with it."""
        woken, refused = list(self.woken), {machine: list(some) for machine, some in self._refused.items()}
        try:
            with self.db.savepoint():
                return self._take(one)
        except StoreFault:  # this machine's own disk: the page comes again
            raise
        except Exception as problem:
            self.woken, self._refused = woken, refused
            sender = directory.machine_by_id(self.db, one.machine)
            words = f"telex failed at its item {one.oseq} ({type(problem).__name__}) and left it out"
            alerts.note(self.db, alerts.FAULT, sender.name if sender else "", words, self.now_ms)
            if sender and one.oseq > abs(int(self.db.value("arrivals.had_from", one.origin) or 0)):
                self.db.run("arrivals.set_had_from", one.origin, one.machine, one.oseq)  # it came: it is no gap
            return 0

    def _take(self, one: Arrived) -> int:
        db = self.db
        sender = directory.machine_by_id(db, one.machine)
        if sender is None or one.machine == self.linked.machine:
            return 0
        if one.refused:
            alerts.note(db, alerts.REFUSED, sender.name, one.refused, self.now_ms)
            return 0
        again = self._follow(sender, one)
        if one.letter is None:
            receipts.take(db, sender, one.receipts, self.now_ms)
            return 0
        try:
            check(one.letter)
        except (TelexError, ValueError) as problem:
            alerts.note(db, alerts.REFUSED, sender.name, f"a letter that is none: {problem}", self.now_ms)
            return 0
        if self._is_known(sender, one.uuid):
            return 0
        if again:
            words = f"its item {one.oseq} came again under an id that is not known: it was repeated, or used twice"
            alerts.note(db, alerts.REPLAY, sender.name, words, self.now_ms)
            self._refuse(sender, one, one.letter, reasons.REFUSED)
            return 0
        return self._deliver(sender, one, one.letter)

    def tell(self) -> None:
        """Have it told what was refused and not kept."""
        if self.linked.role != link_state.READER:
            for machine, some in self._refused.items():
                receipts.put(self.db, machine, some, self.now_ms)

    def _is_known(self, sender: directory.Machine, uuid: bytes) -> bool:
        """Whether this very letter came from this very machine before."""
        number = self.db.value("mail.by_uuid", uuid)
        if number is not None:
            wrote = addresses.address(self.db, int(self.db.value("mail.sender_of", number)))
            if names.split(wrote.name)[1] == sender.name:
                return True
        return bool(self.db.value("arrivals.is_known", uuid, sender.id))

    def _follow(self, sender: directory.Machine, one: Arrived) -> bool:
        """Notice what was left out between two items of one sender, and remember the newer one; whether the number of
        this one was had before."""
        db = self.db
        kept = int(db.value("arrivals.had_from", one.origin) or 0)
        had = abs(kept)
        if one.tombstone:
            words = f"the relay kept back an item of it: {reasons.of_relay(one.tombstone)}"
            alerts.note(db, alerts.GAP, sender.name, words, self.now_ms)
        elif kept >= 0 and one.after >= 0:
            stands = sync.follows(had, one.after, one.oseq)
            if stands == sync.MISSING:
                words = f"its items {had + 1} to {one.after} did not come: the relay withholds or has lost them"
                alerts.note(db, alerts.GAP, sender.name, words, self.now_ms)
            elif stands == sync.BRANCHED:
                words = f"its item {one.oseq} does not follow the last one: its disk was copied or put back"
                alerts.note(db, alerts.FORK, sender.name, words, self.now_ms)
        if one.oseq > had:
            db.run("arrivals.set_had_from", one.origin, one.machine, one.oseq)
        return one.oseq <= had

    def _deliver(self, machine: directory.Machine, one: Arrived, given: Letter) -> int:
        """Keep a letter for those who are here; 1, or 0 where a limit keeps all of it out."""
        db = self.db
        size = given.size or len(given.body.encode())
        at_ms = self.now_ms - max(0, one.relayed_ms)
        full = names.at_machine(given.sender, machine.name)
        sender = addresses.address_at(db, full)
        code = machine_flow.letter(db, machine.id, size, at_ms)
        if not code and sender is None and not machine_flow.new_name(db, machine.id, at_ms):
            code = reasons.NEW_NAMES
        if code:
            words = "it sends more than this machine takes of one: it was refused, and its senders are told"
            alerts.note(db, alerts.REFUSED, machine.name, words, self.now_ms)
            self._refuse(machine, one, given, code)
            return 0
        sender = sender or addresses.awaited(db, full, self.now_ms)
        parent = _known(db, given.reply_to)
        if parent and db.row("mail.delivery", parent.n, sender.id) is None:
            parent = None  # it answers what it was never sent
        new = self._composed(sender, one, given, parent)
        if db.value("mail.by_uuid", one.uuid) is not None:  # another machine has used the id
            new.uuid = ids.uuid7(self.now_ms, message.digest(one.uuid + machine.id.encode())[:10])
            words = "it sent a letter under the id of another machine's message; both are kept"
            alerts.note(db, alerts.REPLAY, machine.name, words, self.now_ms)
        new.n = messages.add(db, new)
        for each in self._recipients(machine, one, given, parent):
            self._hand_over(machine, one, new, each, parent)
        if parent and new.kind != "ack":
            messages.settle_answered(db, parent.n, new.n, sender.id, self.now_ms)
        if odd := freshness.judge(one.signed_ms, at_ms, self.linked.joined_ms):
            words = freshness.WORDS[odd]
            alerts.note(db, alerts.CLOCK, machine.name, words, self.now_ms, limits.TROUBLE_CLOCK_REST_MS)
        return 1

    def _refuse(self, machine: directory.Machine, one: Arrived, given: Letter, code: str) -> None:
        """A letter that is not kept here: its sender is told so for each name, and it is known if it comes again."""
        here = self.linked.machine
        self.db.run("arrivals.add_known", one.uuid, machine.id, self.now_ms)
        for name in given.to.get(here, []):
            self._tell(machine, one, name, message.DIRECT, code)
        via = message.CHANNEL if given.channels else message.EVERYONE
        for name in given.members.get(here, []):
            self._tell(machine, one, name, via, code)

    def _tell(self, machine: directory.Machine, one: Arrived, name: str, via: str, code: str) -> None:
        told = Receipt(
            of=ids.written(one.uuid), name=name, via=via, state=delivery.REFUSED, at_ms=self.now_ms, code=code
        )
        self._refused.setdefault(machine.id, []).append(told)

    def _composed(
        self, sender: addresses.Address, one: Arrived, given: Letter, parent: messages.Message | None
    ) -> messages.Message:
        """The message as it is kept here: its numbers and times are this machine's."""
        db = self.db
        created_ms = self.now_ms - max(0, one.age_ms)
        arrived_ms = self.now_ms - max(0, one.relayed_ms)
        counted_ms = freshness.counted_ms(one.signed_ms, arrived_ms, self.linked.joined_ms)
        written_ms = created_ms - (arrived_ms - counted_ms)
        above = parent or _known(db, given.thread)
        raw = given.body.encode()
        return messages.Message(
            uuid=one.uuid,
            sender=sender.id,
            sender_name=sender.name,
            sender_kind=given.sender_kind,
            client=names.slug(given.client, default=""),
            place=addresses.in_utf8(given.place),
            addressed=_addressed(given.addressed, self.linked.machine_name),
            kind=given.kind,
            body=given.body,
            size=given.size if given.digest else len(raw),
            aside=int(bool(given.digest)),
            digest=given.digest or message.digest(raw),
            data=str(db.value("settings.canonical_json", given.data)) if db.value("hook.valid", given.data) else "",
            thread=(above.thread or above.n) if above else 0,
            topic=given.topic,
            reply_to=parent.n if parent else 0,
            hops=given.hops,
            auto=int(given.auto),
            quiet=int(given.quiet),
            created_ms=created_ms,
            expires_ms=_later(written_ms, given.expires_ms, given.created_ms),
            deadline_ms=_later(written_ms, given.deadline_ms, given.created_ms),
            signed_ms=one.signed_ms,
            arrived_ms=arrived_ms,
        )

    def _recipients(
        self, machine: directory.Machine, one: Arrived, given: Letter, parent: messages.Message | None
    ) -> list[_For]:
        """Who it is for here: names first, then the members of channels, then everybody; each once."""
        db, here = self.db, self.linked.machine
        found: dict[int, _For] = {}
        for name in given.to.get(here, []):
            place = self._named(name, parent)
            if place is None and machine_flow.new_name(db, machine.id, self.now_ms):
                place = addresses.awaited(db, name, self.now_ms)
            if place is None:
                self._tell(machine, one, name, message.DIRECT, reasons.NEW_NAMES)
                continue
            found.setdefault(place.id, _For(place=place, name=name, via=message.DIRECT))
        without = given.without.get(here, [])
        groups = [(channel, message.CHANNEL) for channel in given.channels]
        groups += [("", message.EVERYONE)] if given.everyone else []
        for channel, via in groups:
            for place in addresses.present(db, channel):
                if place.name not in without:
                    found.setdefault(place.id, _For(place=place, name=place.name, via=via))
        for name in given.members.get(here, []) if groups else []:
            place = self._named(name, None)
            if place is None:  # a name that is not here is made by nobody's list of members
                self._tell(machine, one, name, groups[0][1], reasons.LEFT)
                continue
            gone = _For(place=place, name=name, via=groups[0][1], refusal=reasons.LEFT)
            found.setdefault(place.id, gone)
        return list(found.values())

    def _named(self, name: str, parent: messages.Message | None) -> addresses.Address | None:
        """Whoever is at a name; an answer goes to whoever asked, whatever they are called now."""
        if parent and parent.sender_name == name:
            return addresses.address(self.db, parent.sender)
        return addresses.address_named(self.db, name, self.now_ms)

    def _hand_over(
        self,
        machine: directory.Machine,
        one: Arrived,
        new: messages.Message,
        each: _For,
        parent: messages.Message | None,
    ) -> None:
        db, place = self.db, each.place
        code = each.refusal or self._limited(new, place, each.name, parent)
        letter = one.uuid if one.uuid != new.uuid else b""
        if code:
            values = (new.n, place.id, each.via, delivery.REFUSED, 0, self.now_ms, self.now_ms, reasons.of_ending(code))
            db.run("mail.add_delivery", *values)
        else:
            self._queue(machine, new, place, each.via)
        if letter:
            db.run("arrivals.add_known", one.uuid, machine.id, self.now_ms)
        db.run("receipts.add_arrival", new.n, place.id, machine.id, each.name, code, letter)

    def _limited(
        self, new: messages.Message, place: addresses.Address, name: str, parent: messages.Message | None
    ) -> str:
        """The code of the limit that keeps a message from one recipient, or ''."""
        if place.kind == "system" or name in names.RESERVED:
            return reasons.RESERVED
        if self.db.value("mail.waiting_over", place.id, self.rules.inbox_waiting - 1):
            return reasons.FULL
        if new.sender_kind == "person" or place.kind != "session":
            return ""
        cause = parent.n if parent and parent.sender == place.id else 0
        spoken_ms = machine_flow.spoken_ms(self.db, place, self.now_ms)
        rests = pair_budget.judge(self.db, new.sender, place.id, cause, spoken_ms, self.rules, self.now_ms)
        return reasons.COOLING if rests else ""

    def _queue(self, machine: directory.Machine, new: messages.Message, place: addresses.Address, via: str) -> None:
        wakes = message.wakes(new.kind, via, bool(new.quiet), place.wake)
        if wakes and place.kind == "session" and not machine_flow.wake(self.db, machine.id, place, self.now_ms):
            wakes = False
            place = addresses.Address(**(place.as_dict() | {"wake": "never"}))
        messages.deliver(self.db, new.n, new, place, via)
        if wakes and (session := addresses.session(self.db, place.session)):
            self.woken.append(session)


def _addressed(written: str, machine: str) -> str:
    """As it was addressed, without the name of this machine; what is no address is left out."""
    words = []
    for word in written.split(","):
        if word == names.ALL or (word.startswith("#") and names.is_name(word[1:])):
            words.append(word)
        elif word.startswith("@") and names.is_address(word[1:]):
            words.append(word.removesuffix(f"@{machine}") if machine else word)
    return ",".join(words)


def _later(here_ms: int, end_ms: int, written_ms: int) -> int:
    """The same span from when it was written by this machine's clock; 0 for none."""
    return max(1, here_ms + max(1, end_ms - written_ms)) if end_ms else 0


def _known(db: Store, written: str) -> messages.Message | None:
    """The message of an id, if it is here."""
    number = messages.by_uuid(db, written)
    return messages.get(db, number) if number else None
