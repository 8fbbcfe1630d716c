"""Sessions that do everything at random: the steps."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from tests.crash.stateful_world import DONE, EXPIRED, HANDED, QUEUED, SEEN, Post, Slot, World

from telex.db.connection import Store
from telex.errors import MoveRefused, NameTaken, NoAnswerWanted, NobodyThere

SLOTS = st.integers(0, 4)
PICKS = st.integers(0, 30)
NAMES = ("red", "green", "blue")  # to rename to, and to write to before anybody is there


class Sessions(World):
    """The steps."""

    @initialize()
    def begin(self) -> None:
        """Four sessions are there from the start."""
        for number in range(4):
            self.start(number)

    @rule(number=SLOTS, what=st.sampled_from(["start", "start", "clear", "crash", "end"]))
    def life(self, number: int, what: str) -> None:
        """A session comes, goes on as another, or goes."""
        getattr(self, what)(number)

    def start(self, number: int) -> None:
        """A session starts, is resumed in a new process, or is compacted in its own."""
        slot = self.slots[number]
        taken = any(other.pid and other.address == slot.address for other in self.slots if other is not slot)
        before = slot.address
        if not slot.pid:
            self.pids += 1
            slot.pid = 1_000_000 + self.pids
            self.living.add(slot.pid)
            slot.fresh = True
        self.hook(slot, "SessionStart", source="startup")
        if before and not taken:
            assert slot.address == before, "a resumed session did not get its name back"

    def clear(self, number: int) -> None:
        """`/clear`: another session in the same process."""
        slot = self.running(number)
        before = slot.address
        self.hook(slot, "SessionEnd", reason="clear")
        self.keys += 1
        slot.key = f"cleared-{self.keys}"
        self.hook(slot, "SessionStart", source="clear")
        assert slot.address == before, "a cleared session did not keep its name"

    def crash(self, number: int) -> None:
        """Its process is gone, without a word."""
        slot = self.running(number)
        self.living.discard(slot.pid)
        slot.pid = 0

    def end(self, number: int) -> None:
        """A session ends."""
        slot = self.running(number)
        self.hook(slot, "SessionEnd", reason="other")
        self.living.discard(slot.pid)
        slot.pid = 0

    @rule(number=SLOTS, event=st.sampled_from(["UserPromptSubmit", "PostToolBatch", "Stop"]), again=st.booleans())
    def moment(self, number: int, event: str, again: bool) -> None:
        """A moment at which mail is handed over."""
        self.hook(self.running(number), event, stop_hook_active=again and event == "Stop")

    @rule(
        number=SLOTS,
        picks=st.lists(PICKS, min_size=1, max_size=3),
        kind=st.sampled_from(["note", "note", "request", "event"]),
        ttl_s=st.sampled_from([0, 0, 0, 60, 3_600]),
        count=st.integers(1, 4),
    )
    def send(self, number: int, picks: list[int], kind: str, ttl_s: int, count: int) -> None:
        """Messages to names that are held, were held, lead elsewhere, or are nobody's yet; or to all."""
        for _ in range(count):
            self.send_one(self.running(number), picks, kind, ttl_s)

    def send_one(self, slot: Slot, picks: list[int], kind: str, ttl_s: int) -> None:
        """One of them."""
        words = sorted({*self.names, *NAMES, "all"})
        chosen = [words[pick % len(words)] for pick in picks]
        body = self.body()
        expected = (
            {other.address for other in self.slots if other.pid and other is not slot} if "all" in chosen else set()
        )
        if "all" in chosen and not expected:
            self.refused(slot, NobodyThere, lambda bus: bus.send(",".join(chosen), body))
            return
        number = self.verb(slot, lambda bus: int(bus.send(",".join(chosen), body, kind=kind, ttl_s=ttl_s).id[1:]))
        self.names = self.held_names()
        expected |= {self.leads_to(name) for name in chosen if name != "all"}
        expires_ms = self.now + ttl_s * 1000 if ttl_s else 0
        self.posts[number] = Post(body, slot.address, kind, expires_ms, dict.fromkeys(expected, QUEUED))

    @rule(number=SLOTS)
    def read(self, number: int) -> None:
        """Read what waits."""
        slot = self.running(number)
        waiting = self.queue(slot.address)
        letters = self.verb(slot, lambda bus: bus.read())
        numbers = [int(one.id[1:]) for one in letters]
        assert [n for n in numbers if n in waiting] == waiting[: sum(n in waiting for n in numbers)]
        assert len(numbers) >= min(20, len(waiting))
        assert all(one.body == self.posts[int(one.id[1:])].body for one in letters)
        self.see(slot.address, numbers)

    @rule(number=SLOTS, pick=PICKS)
    def done(self, number: int, pick: int) -> None:
        """Mark a message handled."""
        slot = self.running(number)
        mine = [n for n, post in self.posts.items() if slot.address in post.at]
        if not mine:
            return
        chosen = mine[pick % len(mine)]
        if self.posts[chosen].at[slot.address] == EXPIRED:
            self.refused(slot, MoveRefused, lambda bus: bus.done(f"m{chosen}"))
        else:
            self.verb(slot, lambda bus: bus.done(f"m{chosen}"))
            self.posts[chosen].at[slot.address] = DONE

    @rule(number=SLOTS, pick=PICKS)
    def reply(self, number: int, pick: int) -> None:
        """Answer a message; it counts as read then."""
        slot = self.running(number)
        mine = [n for n, post in self.posts.items() if slot.address in post.at]
        if not mine:
            return
        chosen, body = mine[pick % len(mine)], self.body()
        parent = self.posts[chosen]
        if parent.kind == "event":
            self.refused(slot, NoAnswerWanted, lambda bus: bus.reply(f"m{chosen}", body))
            return
        if parent.sender == slot.address:
            return
        new = self.verb(slot, lambda bus: int(bus.reply(f"m{chosen}", body).id[1:]))
        self.posts[new] = Post(body, slot.address, "reply", 0, {parent.sender: QUEUED})
        if parent.at[slot.address] in (QUEUED, HANDED):
            parent.at[slot.address] = SEEN

    @rule(number=SLOTS, name=st.sampled_from(NAMES))
    def rename(self, number: int, name: str) -> None:
        """Take another name, with what waits for it where nobody ever held it; the old one leads here."""
        slot = self.running(number)
        unheld = self.names.get(name, 0)
        try:
            self.verb(slot, lambda bus: bus.rename(name))
        except NameTaken:
            assert self.names.get(name, slot.address) != slot.address
            return
        self.names = self.held_names()
        assert self.names[name] == slot.address
        for post in self.posts.values() if unheld != slot.address else ():
            if unheld in post.at:  # mail for a name that nobody had held
                assert unheld not in self.held, "a name was taken with another session's mail"
                waited = post.at.pop(unheld)
                post.at.setdefault(slot.address, waited)  # what went to both names is one message of theirs

    @rule(pick=PICKS)
    def search(self, pick: int) -> None:
        """What was said can be found by its words."""
        slot = self.running(pick)
        if self.posts:
            number, post = sorted(self.posts.items())[pick % len(self.posts)]
            found = self.verb(slot, lambda bus: bus.search(post.body.split()[0], everything=True, most=99))
            assert f"m{number}" in [one.id for one in found]

    @rule(seconds=st.sampled_from([0, 1, 59, 61, 3_599, 3_601, -1, -600]))
    def clock(self, seconds: int) -> None:
        """Time passes, or is set back; and another process opens the store."""
        self.now += seconds * 1000
        self.latest = max(self.latest, self.now)
        self.db.close()
        self.db = Store(str(self.home))

    def running(self, number: int) -> Slot:
        """One of the sessions that run; if none does, one is started."""
        found = [slot for slot in self.slots if slot.pid]
        if not found:
            self.start(number % len(self.slots))
            return self.slots[number % len(self.slots)]
        return found[number % len(found)]
