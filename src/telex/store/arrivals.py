"""Taking in what comes from other machines.

Rules kept here:
- a page is one transaction: its items in their order, the cursor, and what was missing;
- a message is known by its id, also after it was removed here; what comes again changes nothing;
- what a machine sends is judged like anybody's words: names, kinds and texts must be what a message may have, and the
  sender is whoever is at the machine that signed, never a claim;
- who it is for is decided here, by names and channels as they are now; each recipient has its own delivery, and what
  becomes of it is told back;
- clocks of other machines are not believed: a time to live and a deadline count from how long ago it was written.
"""

from __future__ import annotations

from telex import limits
from telex.config import Settings
from telex.core import delivery, flow, message, names, sync
from telex.core.letter import Arrived, Letter
from telex.core.record import Record
from telex.errors import InboxFull, TelexError
from telex.store import bodies, calls, link, mail, outbox, people, receipts, rosters, settings, sweep, trouble
from telex.store.sqlite import Store, fault

_DAY_MS = 86_400_000
_NUMBER_END = 1 << 53  # what JSON carries exactly


class _For(Record):
    """One recipient here."""

    place: people.Address
    name: str  # as the sender wrote it
    via: str
    refusal: str = ""


def take(db: Store, items: list[Arrived], now: sync.Taken, now_ms: int) -> int:
    """Take in a page of the team's log, and move the cursor; how many messages were new. One write."""
    for one in items:
        _keep_aside(db, one)
    with db.write():
        linked = link.load(db)
        if linked is None:
            return 0
        page = _Page(db, linked, settings.load(db), now_ms)
        if now.gap:
            trouble.note(db, trouble.GAP, "", f"the relay no longer had its items {now.gap[0]} to {now.gap[1]}", now_ms)
            db.run("arrivals.expect_anything")
        new = sum([page.take(one) for one in items])
        db.run("link.set_cursor", now.state.epoch, now.state.cursor)
        if now.went_back:
            outbox.went_back(db, sync.again(linked.at_relay), now_ms)
        link.reached(db, now_ms)
        db.run("receipts.forget_bygone", now_ms - limits.BYGONE_KEEP_DAYS * _DAY_MS)
        sweep.sweep(db, now_ms, page.rules.keep_days)
        outbox.settle_bell(db)
    calls.start(db, page.woken)
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
    if not all(names.is_name(one) for some in (*listed, given.channels) for one in some):
        raise ValueError("it is for somebody who has no name")
    numbers = (given.hops, given.size, given.created_ms, given.expires_ms, given.deadline_ms, given.spoken_ms)
    if not all(0 <= one < _NUMBER_END for one in numbers):
        raise ValueError("a number in it is out of range")


class _Page:
    """What the items of one page share, inside its write."""

    def __init__(self, db: Store, linked: link.Link, rules: Settings, now_ms: int) -> None:
        self.db = db
        self.linked = linked
        self.rules = rules
        self.now_ms = now_ms
        self.woken: list[people.Session] = []

    def take(self, one: Arrived) -> int:
        """One item; 1 for a new message. What does not fit is noted and holds up nothing."""
        db = self.db
        sender = rosters.machine_by_id(db, one.machine)
        if sender is None or one.machine == self.linked.machine:
            return 0
        if one.refused:
            trouble.note(db, trouble.REFUSED, sender.name, one.refused, self.now_ms)
            return 0
        self._follow(sender, one)
        if one.letter is None:
            receipts.take(db, sender.name, one.receipts, self.now_ms)
            return 0
        try:
            check(one.letter)
        except (TelexError, ValueError) as problem:
            trouble.note(db, trouble.REFUSED, sender.name, f"a letter that is none: {problem}", self.now_ms)
            return 0
        if db.value("mail.by_uuid", one.uuid) is not None or db.value("receipts.is_bygone", one.uuid):
            return 0
        self._deliver(sender, one, one.letter)
        return 1

    def _follow(self, sender: rosters.Machine, one: Arrived) -> None:
        """Notice what was left out between two items of one sender, and remember the newer one."""
        db = self.db
        had = int(db.value("arrivals.had_from", one.origin) or 0)
        if one.tombstone:
            words = f"the relay kept back an item of it: {one.tombstone}"
            trouble.note(db, trouble.GAP, sender.name, words, self.now_ms)
        elif had >= 0 and one.after >= 0:
            stands = sync.follows(had, one.after, one.oseq)
            if stands == sync.MISSING:
                words = f"its items {had + 1} to {one.after} did not come: the relay withholds or has lost them"
                trouble.note(db, trouble.GAP, sender.name, words, self.now_ms)
            elif stands == sync.BRANCHED:
                words = f"its item {one.oseq} does not follow the last one: its disk was copied or put back"
                trouble.note(db, trouble.FORK, sender.name, words, self.now_ms)
        if one.oseq > had:
            db.run("arrivals.set_had_from", one.origin, one.machine, one.oseq)

    def _deliver(self, machine: rosters.Machine, one: Arrived, given: Letter) -> None:
        db = self.db
        full = names.at_machine(given.sender, machine.name)
        sender = people.address_at(db, full) or people.awaited(db, full, self.now_ms)
        parent = _known(db, given.reply_to)
        if parent and db.row("mail.delivery", parent.n, sender.id) is None:
            parent = None  # it answers what it was never sent
        new = self._composed(sender, one, given, parent)
        new.n = mail.add(db, new)
        for each in self._recipients(given, parent):
            self._hand_over(machine, new, each)
            if given.sender_kind == "person":
                db.run("people.spoken", new.created_ms, each.place.id, self.now_ms)
        if given.spoken_ms:
            age_ms = max(0, given.created_ms - given.spoken_ms)
            db.run("people.spoken", max(0, new.created_ms - age_ms), sender.id, self.now_ms)
        if parent and new.kind != "ack":
            mail.settle_answered(db, parent.n, new.n, sender.id, self.now_ms)
            self._count(new, parent)

    def _composed(
        self, sender: people.Address, one: Arrived, given: Letter, parent: mail.Message | None
    ) -> mail.Message:
        """The message as it is kept here: its numbers and times are this machine's."""
        db = self.db
        created_ms = self.now_ms - max(0, one.age_ms)
        above = parent or _known(db, given.thread)
        raw = given.body.encode()
        return mail.Message(
            uuid=one.uuid,
            sender=sender.id,
            sender_name=sender.name,
            sender_kind=given.sender_kind,
            client=names.slug(given.client, default=""),
            place=people.in_utf8(given.place),
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
            expires_ms=_later(created_ms, given.expires_ms, given.created_ms),
            deadline_ms=_later(created_ms, given.deadline_ms, given.created_ms),
            key="",
        )

    def _recipients(self, given: Letter, parent: mail.Message | None) -> list[_For]:
        """Who it is for here: names first, then the members of channels, then everybody; each once."""
        db, here = self.db, self.linked.machine
        found: dict[int, _For] = {}
        for name in given.to.get(here, []):
            place = self._named(name, parent)
            found.setdefault(place.id, _For(place=place, name=name, via=message.DIRECT))
        without = given.without.get(here, [])
        groups = [(channel, message.CHANNEL) for channel in given.channels]
        groups += [("", message.EVERYONE)] if given.everyone else []
        for channel, via in groups:
            for place in people.present(db, channel):
                if place.name not in without:
                    found.setdefault(place.id, _For(place=place, name=place.name, via=via))
        for name in given.members.get(here, []) if groups else []:
            place = self._named(name, None)
            gone = _For(place=place, name=name, via=groups[0][1], refusal="nobody there is in it any more")
            found.setdefault(place.id, gone)
        return list(found.values())

    def _named(self, name: str, parent: mail.Message | None) -> people.Address:
        """Whoever is at a name; an answer goes to whoever asked, whatever they are called now."""
        if parent and parent.sender_name == name:
            return people.address(self.db, parent.sender)
        found = people.address_named(self.db, name, self.now_ms)
        return found or people.awaited(self.db, name, self.now_ms)

    def _hand_over(self, machine: rosters.Machine, new: mail.Message, one: _For) -> None:
        db, most = self.db, self.rules.inbox_waiting
        if one.place.kind == "system" or one.name in names.RESERVED:
            one.refusal = "that name is telex's own"
        elif not one.refusal and db.value("mail.waiting_over", one.place.id, most - 1):
            one.refusal = InboxFull(to=f"@{one.name}", waiting=most, limit=most).message
        if one.refusal:
            values = (new.n, one.place.id, one.via, delivery.REFUSED, 0, self.now_ms, self.now_ms, one.refusal)
            db.run("mail.add_delivery", *values)
        else:
            mail.deliver(db, new.n, new, one.place, one.via)
            wakes = message.wakes(new.kind, one.via, bool(new.quiet), one.place.wake)
            if wakes and (session := people.session(db, one.place.session)):
                self.woken.append(session)
        db.run("receipts.add_arrival", new.n, one.place.id, machine.id, one.name)

    def _count(self, new: mail.Message, parent: mail.Message) -> None:
        """An answer from another machine uses up the budget of the two like one that is given here. Its own machine has
        judged it, so it is only counted."""
        if "person" in (new.sender_kind, parent.sender_kind):
            return
        first, second = sorted((new.sender, parent.sender))
        state = flow.Pair.of_row(self.db.row("mail.pair", first, second) or (0, self.now_ms, 0, 0))
        heard = [self.db.row("people.flow", one) or (0, 0, 0) for one in (first, second)]
        spoken_ms = max((one[2] for one in heard if one[2] <= self.now_ms), default=0)
        window_ms, rest_ms = self.rules.pair_window_seconds * 1000, self.rules.pair_cooldown_seconds * 1000
        judged = flow.pair(state, parent.n, self.now_ms, spoken_ms, self.rules.pair_replies, window_ms, rest_ms)
        kept = judged.pair
        self.db.run("mail.set_pair", first, second, kept.count, kept.since_ms, kept.rest_until_ms, kept.cause)


def _addressed(written: str, machine: str) -> str:
    """As it was addressed, without the name of this machine; what is no address is left out."""
    words = []
    for word in written.split(","):
        if word == names.ALL or (word.startswith("#") and names.is_name(word[1:])):
            words.append(word)
        elif word.startswith("@") and names.is_address(word[1:]):
            words.append(word.removesuffix(f"@{machine}") if machine else word)
    return ",".join(words)


def _later(created_ms: int, end_ms: int, written_ms: int) -> int:
    """The same span from this machine's time of writing; 0 for none."""
    return created_ms + max(1, end_ms - written_ms) if end_ms else 0


def _known(db: Store, written: str) -> mail.Message | None:
    """The message of an id, if it is here."""
    number = mail.by_uuid(db, written)
    return mail.get(db, number) if number else None
