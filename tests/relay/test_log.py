"""The log over HTTP: what is pushed is there once, in order, for those that it is for."""

from __future__ import annotations

import threading
from _blake2 import blake2b

import httpx2
import msgspec
import pytest
from tests.relay.conftest import Crew
from tests.relay.machines import code_of, hex_id
from tests.relay.running import until_waiting, waiting_count

from telex import limits
from telex.core import members
from telex.wire import api
from telex.wire.envelope import Header


def test_a_pushed_item_is_pulled_by_the_machine_it_is_for_and_by_no_other(crew: Crew) -> None:
    item = crew.alice.item([crew.bob.id], b"for bob")
    assert crew.alice.push(item).last_oseq == 1
    (entry,) = crew.bob.pull().items
    assert (entry.header, entry.sealed, entry.reason) == (item.header, b"for bob", "")
    assert crew.carol.pull().items == []
    assert crew.alice.pull().items == []


def test_items_keep_the_order_of_their_sender(crew: Crew) -> None:
    for start in range(0, 250, 50):
        crew.alice.push(*(crew.alice.item([crew.bob.id], b"%d" % (start + one)) for one in range(50)))
    seen, after = [], 0
    while (page := crew.bob.pull(after)).items:
        seen += [int(one.sealed) for one in page.items]
        after = page.scanned
    assert seen == list(range(250))


def test_a_repeated_push_adds_nothing(crew: Crew) -> None:
    """Would break: a link whose answer was lost would send everything twice."""
    items = [crew.alice.item([crew.bob.id]) for _ in range(3)]
    assert crew.alice.push(*items).last_oseq == 3
    again = crew.alice.push(*items)
    assert (again.last_oseq, again.forked, again.refused) == (3, False, [])
    assert len(crew.bob.pull().items) == 3


def test_items_that_overlap_add_only_what_is_new(crew: Crew) -> None:
    items = [crew.alice.item([crew.bob.id], b"%d" % one) for one in range(6)]
    crew.alice.push(*items[:4])
    assert crew.alice.push(*items[2:]).last_oseq == 6
    assert [one.sealed for one in crew.bob.pull().items] == [b"%d" % one for one in range(6)]


def test_an_item_that_comes_too_early_waits_for_the_one_before_it(crew: Crew) -> None:
    first, second = crew.alice.item([crew.bob.id]), crew.alice.item([crew.bob.id])
    assert crew.alice.push(second).last_oseq == 0
    assert crew.bob.pull().items == []
    assert crew.alice.push(first, second).last_oseq == 2


def test_another_item_under_a_number_that_was_used_is_a_fork(crew: Crew) -> None:
    crew.alice.push(crew.alice.item([crew.bob.id], b"the first"))
    forked = crew.alice.push(crew.alice.item_numbered(1, [crew.bob.id], b"another past"))
    assert forked.forked
    assert [one.sealed for one in crew.bob.pull().items] == [b"the first"]


def test_an_origin_belongs_to_the_machine_that_began_it(crew: Crew) -> None:
    """Would break: a member could write into another's outbox."""
    crew.alice.push(crew.alice.item([crew.carol.id]))
    crew.bob.origin = crew.alice.origin
    assert crew.bob.push(crew.bob.item_numbered(2, [crew.carol.id])).forked
    assert len(crew.carol.pull().items) == 1


@pytest.mark.parametrize(
    "changed",
    [{"team": hex_id()}, {"machine": hex_id()}, {"origin": hex_id()}, {"oseq": 7}, {"to": []}, {"id": "x" * 65}],
    ids=lambda changed: next(iter(changed)),
)
def test_a_header_that_does_not_fit_the_request_is_a_tombstone(crew: Crew, changed: dict[str, object]) -> None:
    plain = crew.alice.item_numbered(1, [crew.bob.id])
    header = msgspec.structs.replace(msgspec.json.decode(plain.header, type=Header), **changed)
    item = msgspec.structs.replace(plain, header=msgspec.json.encode(header))
    pushed = crew.alice.push(item, crew.alice.item_numbered(2, [crew.bob.id]))
    assert [(one.oseq, one.code) for one in pushed.refused] == [(1, "header-wrong")]
    assert pushed.last_oseq == 2
    assert len(crew.bob.pull().items) == 1


def test_a_header_that_cannot_be_read_blocks_nothing(crew: Crew) -> None:
    broken = api.Item(oseq=1, header=b"\xff{", sealed=b"x")
    pushed = crew.alice.push(broken, crew.alice.item_numbered(2, [crew.bob.id]))
    assert ([one.code for one in pushed.refused], pushed.last_oseq) == (["header-wrong"], 2)
    assert not crew.alice.push(broken).forked


def test_a_refusal_is_told_again_to_whoever_asks_again(crew: Crew) -> None:
    """Would break: a sender whose answer was lost would never learn that its message was refused."""
    item = crew.bob.item(["*"])
    assert [one.code for one in crew.bob.push(item).refused] == ["owners-only"]
    assert [one.code for one in crew.bob.push(item).refused] == ["owners-only"]


def test_a_tombstone_goes_to_those_it_was_for_without_its_seal(crew: Crew) -> None:
    """Would break: they would miss a number, and take it for withheld."""
    crew.bob.push(crew.bob.item(["*"], b"to everybody"))
    (entry,) = crew.alice.pull().items
    assert (entry.sealed, entry.reason) == (b"", "owners-only")


def test_an_owner_writes_to_every_machine_but_its_own(crew: Crew) -> None:
    crew.alice.push(crew.alice.item(["*"], b"to everybody"))
    assert [one.sealed for one in crew.bob.pull().items] == [b"to everybody"]
    assert [one.sealed for one in crew.carol.pull().items] == [b"to everybody"]
    assert crew.alice.pull().items == []


def test_an_item_for_nobody_in_the_team_is_refused(crew: Crew) -> None:
    assert [one.code for one in crew.alice.push(crew.alice.item([hex_id()])).refused] == ["nobody-there"]


def test_an_item_for_some_that_are_gone_reaches_the_others(crew: Crew) -> None:
    pushed = crew.alice.push(crew.alice.item([hex_id(), crew.bob.id]))
    assert pushed.refused == []
    assert len(crew.bob.pull().items) == 1


def test_a_push_sealed_with_an_older_key_leaves_nothing_behind(crew: Crew) -> None:
    """Would break: what is sent after a removal could be read with the key that was removed."""
    sealed_before = [crew.bob.item([crew.alice.id]), crew.bob.item([crew.alice.id])]
    crew.chain.append(members.ROTATE, crew.alice.said(members.OWNER), *map(crew.chain.grant, (crew.alice, crew.bob)))
    answer = crew.bob.send("push", api.Push(origin=crew.bob.origin, items=sealed_before))
    assert (answer.status_code, code_of(answer)) == (409, "key-old")
    assert crew.alice.pull().items == []
    assert crew.bob.push(crew.bob.item_numbered(1, [crew.alice.id], key=2)).last_oseq == 1


def test_what_was_sealed_before_a_new_key_is_known_when_it_is_offered_again(crew: Crew) -> None:
    item = crew.bob.item([crew.alice.id])
    crew.bob.push(item)
    crew.chain.append(members.ROTATE, crew.alice.said(members.OWNER))
    assert crew.bob.push(item).last_oseq == 1


def test_a_page_says_how_far_it_looked(crew: Crew) -> None:
    """Would break: a cursor taken from the head would pass over what came between two pages."""
    crew.alice.push(*(crew.alice.item([crew.bob.id]) for _ in range(limits.SYNC_ITEMS)))
    crew.alice.push(*(crew.alice.item([crew.bob.id]) for _ in range(20)), crew.alice.item([crew.carol.id]))
    first = crew.bob.pull()
    assert (len(first.items), first.scanned, first.head) == (limits.SYNC_ITEMS, limits.SYNC_ITEMS, 121)
    second = crew.bob.pull(first.scanned)
    assert (len(second.items), second.scanned) == (20, 121)


def test_a_page_holds_no_more_bytes_than_it_may(crew: Crew) -> None:
    large = b"x" * limits.RELAY_SEALED_BYTES
    for _ in range(13):
        crew.alice.push(crew.alice.item([crew.bob.id], large))
    page = crew.bob.pull()
    assert sum(len(one.sealed) + len(one.header) for one in page.items) <= limits.SYNC_BATCH_BYTES
    assert len(crew.bob.pull(page.scanned).items) == 13 - len(page.items)


def test_a_cursor_of_another_log_gets_the_epoch_and_no_items(crew: Crew) -> None:
    crew.alice.push(crew.alice.item([crew.bob.id]))
    page = crew.bob.ask("pull", query={"epoch": hex_id(), "after": 5, "wait_ms": 20_000})
    assert (page.items, page.scanned, page.head) == ([], 0, 1)
    assert page.epoch == crew.alice.pull().epoch


def test_a_cursor_beyond_the_head_is_answered_at_once(crew: Crew) -> None:
    assert crew.bob.pull(after=100, wait_ms=30_000).head == 0


class Waiting:
    """A request in a thread of its own; `answer` once it has one."""

    def __init__(self, crew: Crew, query: dict[str, object]) -> None:
        self.page: api.Page | None = None
        self._peer = crew.bob
        self._query = {"epoch": crew.bob.pull().epoch, "records": 1_000_000, "wait_ms": 30_000, **query}
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self.page = self._peer.ask("pull", query=self._query)

    def answer(self) -> api.Page:
        self._thread.join(timeout=60)
        assert self.page is not None
        return self.page


def test_whoever_waits_is_woken_by_what_comes(crew: Crew) -> None:
    waiting = Waiting(crew, {})
    until_waiting(crew.relay, 1)
    crew.alice.push(crew.alice.item([crew.carol.id], b"not for bob"))
    assert waiting_count(crew.relay) == 1
    crew.alice.push(crew.alice.item([crew.bob.id], b"for bob"))
    assert [one.sealed for one in waiting.answer().items] == [b"for bob"]


def test_whoever_waits_is_woken_by_a_new_record(crew: Crew) -> None:
    waiting = Waiting(crew, {"records": crew.bob.pull().records})
    until_waiting(crew.relay, 1)
    crew.chain.append(members.ROTATE, crew.alice.said(members.OWNER))
    assert waiting.answer().records == 4


def test_a_wait_that_nothing_ends_is_answered_in_its_time(crew: Crew) -> None:
    assert crew.bob.pull(wait_ms=50).items == []


def test_a_machine_that_is_removed_while_it_waits_is_told_so(crew: Crew) -> None:
    seen: list[httpx2.Response] = []
    query = {"epoch": crew.bob.pull().epoch, "records": 1_000_000, "wait_ms": 30_000}
    thread = threading.Thread(target=lambda: seen.append(crew.bob.send("pull", query=query)))
    thread.start()
    until_waiting(crew.relay, 1)
    crew.chain.append(members.REMOVE, crew.bob.said(members.MEMBER))
    thread.join(timeout=60)
    assert (seen[0].status_code, code_of(seen[0])) == (401, "machine-unknown")


def test_too_many_waits_of_one_machine_answer_the_oldest(crew: Crew) -> None:
    """Would break: a link that reconnects over a bad network would be shut out, or fill the relay."""
    waits = [Waiting(crew, {}) for _ in range(limits.RELAY_WAITS)]
    until_waiting(crew.relay, limits.RELAY_WAITS)
    waits.append(Waiting(crew, {}))
    assert waits[0].answer().items == []
    until_waiting(crew.relay, limits.RELAY_WAITS)
    crew.alice.push(crew.alice.item([crew.bob.id]))
    assert all(len(one.answer().items) == 1 for one in waits[1:])


def test_events_say_that_there_is_something_and_not_what(crew: Crew) -> None:
    request = crew.bob.request("events")
    answer = crew.bob.client.send(request, stream=True)
    lines = answer.iter_lines()
    first = next(line for line in lines if line.startswith("data: "))
    crew.alice.push(crew.alice.item([crew.bob.id], b"what it is"))
    second = next(line for line in lines if line.startswith("data: "))
    answer.close()
    heads = [msgspec.json.decode(line.removeprefix("data: "), type=api.Fresh).head for line in (first, second)]
    assert heads == [0, 1]


def test_a_part_must_be_there_before_an_item_refers_to_it(crew: Crew) -> None:
    data = b"sealed part" * 1_000
    digest = blake2b(data, digest_size=32).hexdigest()
    item = crew.alice.item([crew.bob.id], blobs=[digest])
    answer = crew.alice.send("push", api.Push(origin=crew.alice.origin, items=[item]))
    assert (answer.status_code, code_of(answer)) == (409, "part-missing")
    assert crew.alice.send("has_blob", digest=digest).status_code == 404
    for _ in range(2):
        crew.alice.ask("put_blob", data, digest=digest)
    assert crew.alice.push(item).last_oseq == 1
    assert crew.bob.ask("get_blob", digest=digest) == data
    assert crew.bob.send("has_blob", digest=digest).status_code == 204


def test_a_part_under_a_wrong_name_is_refused(crew: Crew) -> None:
    answer = crew.alice.send("put_blob", b"data", digest="0" * 64)
    assert (answer.status_code, code_of(answer)) == (422, "part-wrong")


def test_a_header_travels_as_its_sender_wrote_it(crew: Crew) -> None:
    """Would break: its signature would not fit any more."""
    item = crew.alice.item([crew.bob.id])
    odd = msgspec.json.format(item.header, indent=3) + b"  "
    assert msgspec.json.decode(odd, type=Header)
    crew.alice.push(msgspec.structs.replace(item, header=odd))
    assert crew.bob.pull().items[0].header == odd
