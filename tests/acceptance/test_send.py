"""Sending: to whom, what the sender is told, keys, repeats, limits; and a refusal that leaves nothing behind."""

from __future__ import annotations

import json
import uuid

import pytest
from tests.support.machine import HOUR, MINUTE, Machine, Seat

from telex import limits
from telex.bus.send import Sent
from telex.core import ids
from telex.errors import (
    BodyEmpty,
    DataInvalid,
    InboxFull,
    KeyConflict,
    KindUnknown,
    MessageUnknown,
    NameInvalid,
    NameReserved,
    NoAnswerWanted,
    NobodyThere,
    Repeated,
    TooFast,
    Usage,
)


def count(machine: Machine) -> int:
    """How many messages the store has."""
    return len(list(machine.db.rows("history.all_numbers")))


def notes(answer: Sent) -> dict[str, str]:
    """What the sender was told of each recipient."""
    return {one.name: one.note for one in answer.recipients}


# --- to whom ----------------------------------------------------------------------------------------------


def test_a_message_to_a_name_is_there_at_once(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    answer = api.send("@web", "the schema moved")
    assert (answer.id, answer.to, answer.repeated) == ("m1", "@web", False)
    assert [one.as_dict() for one in answer.recipients] == [
        {"name": "@web", "state": "queued", "presence": "idle", "wakes": True, "note": "idle"}
    ]
    assert ids.parse(answer.uuid) == uuid.UUID(answer.uuid).bytes
    [letter] = web.inbox()
    assert (letter.sender, letter.sender_kind, letter.client, letter.place) == ("@api", "session", "claude", "/src/api")
    assert (letter.body, letter.kind, letter.state, letter.hops, letter.auto) == (
        "the schema moved",
        "note",
        "queued",
        0,
        False,
    )


def test_the_person_is_marked_as_such(machine: Machine) -> None:
    [api] = machine.named("api")
    machine.person.send("@api", "hello")
    [letter] = api.inbox()
    assert (letter.sender, letter.sender_kind, letter.client) == ("@dana", "person", "")
    assert "from the person at this machine" in api.hook()


def test_the_answer_says_busy_idle_offline_person_or_nobody(machine: Machine) -> None:
    api, busy, idle, gone = machine.named("api", "busy", "idle", "gone")
    busy.marks("p")
    idle.marks("ps")
    gone.quit()
    answer = api.send("@busy,@idle,@gone,@dana,@later", "hello all")
    assert notes(answer) == {
        "@busy": "busy",
        "@idle": "idle",
        "@gone": "offline; the mail waits",
        "@dana": "in the person's inbox",
        "@later": "nobody holds this name yet; the mail waits",
    }


def test_a_slip_of_the_finger_is_named(machine: Machine) -> None:
    api, _ = machine.named("api", "frontend")
    answer = api.send("@fronted", "hello")
    assert notes(answer) == {"@fronted": "nobody holds this name yet; the mail waits; did you mean @frontend?"}


def test_a_strict_send_to_nobody_sends_nothing(machine: Machine) -> None:
    api, _ = machine.named("api", "frontend")
    with pytest.raises(NobodyThere, match="nobody is at @fronted; nothing was sent") as refused:
        api.send("@fronted", "hello", strict=True)
    assert refused.value.advice == "did you mean @frontend?"
    with pytest.raises(NobodyThere) as refused:
        api.send("@zebra", "hello", strict=True)
    assert refused.value.advice == "'telex who' lists who is here"
    assert count(machine) == 0
    assert machine.db.row("people.address_by_name", "fronted") is None


@pytest.mark.parametrize("gone", ["left", "crashed"])
def test_a_strict_send_takes_only_who_is_here(machine: Machine, gone: str) -> None:
    api, web = machine.named("api", "web")
    api.send("@web", "hello", strict=True)
    api.send("@dana", "hello", strict=True)
    if gone == "left":
        web.quit()
    else:
        machine.crash(web)
    with pytest.raises(NobodyThere):
        api.send("@web", "hello again", strict=True)
    assert count(machine) == 2


def test_one_name_that_nobody_holds_stops_a_strict_send_to_several(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    with pytest.raises(NobodyThere):
        api.send("@web,@later", "hello", strict=True)
    assert web.heard() == []


def test_a_channel_reaches_its_members_but_not_the_sender(machine: Machine) -> None:
    one, two = machine.arrive("/src/shop"), machine.arrive("/src/shop")
    three = machine.arrive("/src/other", title="shop")
    outside = machine.arrive("/src/outside")
    answer = one.send("#shop", "hello")
    assert set(notes(answer)) == {two.at, three.at}
    assert [seat.heard() for seat in (one, two, three, outside)] == [[], ["hello"], ["hello"], []]


def test_a_channel_reaches_who_joined_it_also_while_away(machine: Machine) -> None:
    api, web, here = machine.named("api", "web", "here")
    web.join("#release")
    machine.person.join("release")
    web.quit()
    here.quit()
    assert set(notes(api.send("#release", "v2 is out"))) == {"@web", "@dana"}
    with pytest.raises(NobodyThere, match="nobody is at #here"):
        api.send("#here", "hello?")


def test_a_channel_and_a_session_may_share_a_name(machine: Machine) -> None:
    one, two = machine.arrive("/src/shop"), machine.arrive("/src/shop")
    one.send("@shop", "to the first of them")
    two.send("#shop", "to everyone else there")
    assert one.heard() == ["to the first of them", "to everyone else there"]
    assert two.heard() == []


def test_all_reaches_every_session_that_is_here(machine: Machine) -> None:
    api, _, gone = machine.named("api", "web", "gone")
    machine.crash(gone)
    assert set(notes(machine.person.send("all", "stop the press"))) == {"@api", "@web"}
    assert set(notes(api.send("@all", "stop it again"))) == {"@web"}
    assert machine.person.heard() == []


@pytest.mark.parametrize(
    ("to", "said"),
    [("#nowhere", "nobody is at #nowhere"), ("all", "no other session is here")],
)
def test_a_group_of_nobody_is_not_found(machine: Machine, to: str, said: str) -> None:
    [api] = machine.named("api")
    with pytest.raises(NobodyThere, match=f"{said}; nothing was sent"):
        api.send(to, "hello")
    assert count(machine) == 0


def test_several_recipients_get_one_message_each_once(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    api.join("#team")
    web.join("#team")
    answer = machine.person.send("@api, #team,api ,all", "hello")
    assert answer.to == "@api,#team,all"
    assert count(machine) == 1
    assert [one.via for one in machine.person.show(answer.id).deliveries] == ["direct", "channel"]
    assert (api.heard(), web.heard()) == (["hello"], ["hello"])


def test_a_message_to_oneself_comes_back(machine: Machine) -> None:
    [api] = machine.named("api")
    assert set(notes(api.send("me", "remember the tests"))) == {"@api"}
    assert api.heard() == ["remember the tests"]


@pytest.mark.parametrize(
    ("to", "problem"),
    [
        ("@telex", NameReserved),
        ("system", NameReserved),
        ("@a b", NameInvalid),
        ("@\u0430pi", NameInvalid),
        ("../../etc", NameInvalid),
        ("", Usage),
        (",", Usage),
    ],
)
def test_a_recipient_that_cannot_be_is_wrong_words(machine: Machine, to: str, problem: type[Exception]) -> None:
    [api] = machine.named("api")
    with pytest.raises(problem):
        api.send(to, "hello")
    assert count(machine) == 0


# --- what ------------------------------------------------------------------------------------------------


def test_data_travels_with_the_message_as_plain_json(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    api.send("@web", "see data", data='{ "pr" : 12,\n "ü": ["日本", null, 1.5, {"a": {}}] }')
    [letter] = web.inbox()
    assert json.loads(letter.data) == {"pr": 12, "ü": ["日本", None, 1.5, {"a": {}}]}
    assert "\n" not in letter.data


@pytest.mark.parametrize(
    "data",
    [
        *("[1]", '"x"', "1", "null", "{", "{}x", "{'a': 1}", '{"a": 1,}', "// x\n{}", "{a: 1}", "nope", " "),
        *('{"a": "\0"}', '{"a": "\udcff"}', '{"a": NaN}', '{"a": "' + "x" * limits.DATA_MOST_BYTES + '"}'),
        '{"a":' * 1_001 + "1" + "}" * 1_001,
    ],
)
def test_data_that_is_no_object_is_refused(machine: Machine, data: str) -> None:
    [api] = machine.named("api")
    with pytest.raises(DataInvalid):
        api.send("@web", "see data", data=data)
    assert count(machine) == 0


def test_a_kind_must_be_one_of_the_six(machine: Machine) -> None:
    [api] = machine.named("api")
    with pytest.raises(KindUnknown):
        api.send("@web", "x", kind="order")
    with pytest.raises(BodyEmpty):
        api.send("@web", " ")
    assert count(machine) == 0


def test_a_large_body_is_shown_by_its_head_and_printed_whole(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    body = "\n".join(f"line {number}" for number in range(200_000))
    answer = api.send("@web", body)
    shown = web.hook()
    assert len(shown) <= limits.FRAME_CHARS
    assert f"of {len(body):,} bytes shown; all of it: telex read m1" in shown
    [letter] = web.read(answer.id)
    assert letter.body == body


def test_sixteen_mebibytes_travel(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    body = "é" * (limits.BODY_MOST_BYTES // 2)
    api.send("@web", body)
    [letter] = web.read()
    assert letter.body == body


# --- order ------------------------------------------------------------------------------------------------


def test_one_senders_messages_keep_their_order_whatever_the_clock_does(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    sent = []
    for number, jump in enumerate([0, 5, -HOUR, 1, -1, 0, 86_400, -86_400, 0.001] * 3):
        machine.clock.pass_by(jump)
        api.send("@web", f"number {number}")
        sent.append(f"number {number}")
    assert web.heard() == sent


# --- keys -------------------------------------------------------------------------------------------------


def test_a_repeat_with_the_same_key_returns_the_first_answer(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    first = api.send("@web", "deploy", key="deploy-7")
    machine.clock.pass_by(2 * HOUR)
    second = api.send("@web", "deploy", key="deploy-7")
    assert (second.id, second.uuid, second.repeated) == (first.id, first.uuid, True)
    assert web.heard() == ["deploy"]


def test_a_repeat_says_what_became_of_it_meanwhile(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    first = api.send("@web", "deploy", key="deploy-7")
    web.done(first.id)
    assert api.send("@web", "deploy", key="deploy-7").recipients[0].state == "done"


@pytest.mark.parametrize(
    "other",
    [
        {"body": "rollback"},
        {"to": "@api"},
        {"to": "@web,@api"},
        {"kind": "request"},
        {"data": '{"pr": 13}'},
        {"data": ""},
        {"thread": "release"},
        {"reply_to": "m1"},
    ],
)
def test_a_key_for_another_message_is_a_conflict(machine: Machine, other: dict[str, str]) -> None:
    api, web = machine.named("api", "web")
    web.send("@api", "earlier")
    given = {"to": "@web", "body": "deploy", "data": '{"pr": 12}', "key": "deploy-7"}
    first = api.send(**given)  # type: ignore[arg-type]
    with pytest.raises(KeyConflict, match=f"belongs to {first.id}"):
        api.send(**given | other)  # type: ignore[arg-type]
    assert count(machine) == 2


def test_each_sender_has_keys_of_its_own(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    answers = [seat.send("@later", "hello", key="k") for seat in (api, web, machine.person)]
    assert [one.repeated for one in answers] == [False] * 3


def test_a_refused_send_does_not_use_its_key_up(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    machine.set(inbox_waiting=1)
    web.send("@api", "x")
    with pytest.raises(InboxFull):
        machine.person.send("@api", "deploy", key="k")
    api.read()
    assert not machine.person.send("@api", "deploy", key="k").repeated


@pytest.mark.parametrize("key", ["k" * (limits.KEY_CHARS + 1), "a\nb", "\x1b[m", "\u202e", "\0", "\udcff"])
def test_a_key_is_short_and_printable(machine: Machine, key: str) -> None:
    [api] = machine.named("api")
    with pytest.raises(Usage, match="the key has more than 128 characters or unprintable ones"):
        api.send("@web", "x", key=key)
    assert count(machine) == 0


@pytest.mark.parametrize("key", ["k" * limits.KEY_CHARS, "../../etc/passwd", "ключ 日本", "'; DROP TABLE message"])
def test_a_key_may_be_anything_that_can_be_seen(machine: Machine, key: str) -> None:
    [api] = machine.named("api")
    assert [api.send("@web", "x", key=key).repeated for _ in range(2)] == [False, True]


# --- repeats ----------------------------------------------------------------------------------------------


def test_the_same_text_is_refused_for_a_minute_and_names_the_first(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    api.send("@web", "hello?")
    machine.clock.pass_by(MINUTE - 1)
    with pytest.raises(Repeated, match="the same text went to @web 59 s ago as m1"):
        api.send("@web", "hello?")
    machine.clock.pass_by(1)
    api.send("@web", "hello?")
    assert web.heard() == ["hello?", "hello?"]


@pytest.mark.parametrize("other", [{"kind": "request"}, {"data": '{"a":1}'}, {"to": "@docs"}, {"body": "hello!"}])
def test_what_differs_is_no_repeat(machine: Machine, other: dict[str, str]) -> None:
    api, _ = machine.named("api", "web")
    api.send("@web", "hello?")
    api.send(**{"to": "@web", "body": "hello?"} | other)  # type: ignore[arg-type]


def test_two_senders_may_say_the_same(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    for seat in (api, machine.person):
        seat.send("@web", "hello?")
    assert web.heard() == ["hello?"] * 2


def test_the_same_answer_to_two_questions_is_no_repeat(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    questions = [web.send("@api", f"question {number}") for number in (1, 2)]
    for one in questions:
        api.reply(one.id, "yes")
    assert web.heard() == ["yes", "yes"]


def test_a_repeat_at_one_of_several_holds_up_no_other(machine: Machine) -> None:
    api, web, docs = machine.named("api", "web", "docs")
    api.send("@web", "hello?")
    answer = api.send("@web,@docs", "hello?")
    assert machine.states(answer) == {"@web": "refused", "@docs": "queued"}
    assert (web.heard(), docs.heard()) == (["hello?"], ["hello?"])


def test_what_was_refused_may_be_said_again(machine: Machine) -> None:
    api, web, _ = machine.named("api", "web", "docs")
    machine.set(inbox_waiting=1)
    machine.person.send("@web", "full")
    assert machine.states(api.send("@web,@docs", "hello?")) == {"@web": "refused", "@docs": "queued"}
    web.read()
    api.send("@web", "hello?")
    assert web.heard() == ["hello?"]


def test_a_person_who_wants_repeats_may_have_them(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    machine.set(repeat_seconds=0)
    for _ in range(3):
        api.send("@web", "hello?")
    assert len(web.heard()) == 3


# --- too fast ---------------------------------------------------------------------------------------------


def test_a_session_has_its_share_of_a_minute(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    machine.set(sends_per_minute=10)
    for number in range(10):
        api.send("@web", f"{number}")
    with pytest.raises(TooFast, match=r"more than 10 messages in a minute; try again in [67] s"):
        api.send("@web", "one more")
    web.send("@api", "others are not concerned")
    machine.clock.pass_by(7)
    api.send("@web", "one more")
    assert len(web.heard()) == 11


def test_a_refused_send_costs_no_share(machine: Machine) -> None:
    [api] = machine.named("api")
    machine.set(sends_per_minute=2)
    for _ in range(5):
        with pytest.raises(NobodyThere):
            api.send("@later", "x", strict=True)
    api.send("@later", "x")
    api.send("@later", "y")


# --- a full inbox -----------------------------------------------------------------------------------------


def test_a_full_inbox_says_its_figure_and_takes_more_once_something_is_read(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    machine.set(inbox_waiting=3)
    for number in range(3):
        api.send("@web", f"{number}")
    with pytest.raises(InboxFull, match="@web has 3 messages waiting; the most is 3"):
        api.send("@web", "one more")
    assert count(machine) == 3
    web.hook()
    api.send("@web", "one more")
    assert web.heard() == ["one more"]


def test_one_full_inbox_does_not_hold_up_the_others(machine: Machine) -> None:
    api, full, free = machine.named("api", "full", "free")
    machine.set(inbox_waiting=1)
    machine.person.send("@full", "x")
    answer = api.send("@full,@free,#full,@dana", "hello")
    assert machine.states(answer) == {"@full": "refused", "@free": "queued", "@dana": "queued"}
    assert machine.reason(answer, "@full") == "@full has 1 messages waiting; the most is 1"
    assert notes(answer)["@full"] == "@full has 1 messages waiting; the most is 1"
    assert (full.heard(), free.heard()) == (["x"], ["hello"])


def test_where_everyone_refuses_nothing_is_stored(machine: Machine) -> None:
    api, _, _ = machine.named("api", "one", "two")
    machine.set(inbox_waiting=1)
    machine.person.send("@one,@two", "x")
    with pytest.raises(InboxFull, match="@one has 1"):
        api.send("@one,@two", "hello")
    assert count(machine) == 1


# --- replies, threads, topics ---------------------------------------------------------------------------------


def test_a_reply_goes_to_the_sender_in_its_thread(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    question = api.send("@web", "which port?", kind="request")
    answer = web.reply(question.id, "5173")
    assert answer.to == "@api"
    [letter] = api.inbox()
    assert (letter.kind, letter.reply_to, letter.thread) == ("reply", question.id, question.id)
    assert machine.states(question) == {"@web": "read"}
    assert machine.reason(question, "@web") == f"answered by {answer.id}"
    assert machine.person.show(question.id).replies == [answer.id]


def test_a_reply_finds_its_sender_under_a_new_name(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    question = api.send("@web", "which port?")
    api.rename("backend")
    machine.clock.pass_by(3 * HOUR)
    assert web.reply(question.id, "5173").to == "@backend"
    assert api.heard() == ["5173"]


def test_a_reply_to_ones_own_message_goes_where_that_went(machine: Machine) -> None:
    api, web, docs = machine.named("api", "web", "docs")
    first = api.send("@web,@docs", "the schema moved")
    assert api.reply(first.id, "and back again").to == "@web,@docs"
    assert web.heard() == docs.heard() == ["the schema moved", "and back again"]


def test_a_thread_is_told_from_any_of_its_messages(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    first = api.send("@web", "one")
    second = web.reply(first.id, "two")
    third = api.reply(second.id, "three")
    fourth = api.send("@web", "four", thread=second.id)
    api.send("@web", "elsewhere")
    for one in (first, second, third, fourth):
        assert [letter.body for letter in web.thread(one.id)] == ["one", "two", "three", "four"]


def test_a_word_names_a_thread_across_conversations(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    first = api.send("@web", "one", thread="Release-2")
    machine.person.send("@api", "two", thread="release-2")
    web.reply(first.id, "three")
    for word in ("release-2", "RELEASE-2"):
        assert [letter.body for letter in api.thread(word)] == ["one", "two", "three"]
    assert {letter.topic for letter in api.thread("release-2")} == {"release-2"}


@pytest.mark.parametrize("thread", ["no such thing", "\u202e", "a/b", "\udcff"])
def test_a_thread_is_a_message_or_a_word_of_the_grammar(machine: Machine, thread: str) -> None:
    [api] = machine.named("api")
    with pytest.raises(NameInvalid):
        api.send("@web", "x", thread=thread)
    with pytest.raises(MessageUnknown):
        api.thread(thread)


@pytest.mark.parametrize("id", ["m99", "99", "zzz", "", "00000000-0000-7000-8000-000000000000", "\udcff"])
def test_an_unknown_message_cannot_be_answered(machine: Machine, id: str) -> None:
    [api] = machine.named("api")
    with pytest.raises(MessageUnknown):
        api.reply(id, "x")
    if id:
        with pytest.raises(MessageUnknown):
            api.send("@web", "x", reply_to=id)
    assert count(machine) == 0


@pytest.mark.parametrize("kind", ["ack", "event"])
def test_an_ack_or_event_is_never_answered(machine: Machine, kind: str) -> None:
    api, web = machine.named("api", "web")
    sent = api.send("@web", "seen", kind=kind)
    for kind_of_answer in ("reply", "ack", "note"):
        with pytest.raises(NoAnswerWanted, match=f"m1 is an {kind}; it takes no reply"):
            web.reply(sent.id, "and seen that", kind=kind_of_answer)
    with pytest.raises(NoAnswerWanted):
        web.send("@api", "x", reply_to=sent.id)
    assert api.heard() == []


# --- what wakes -------------------------------------------------------------------------------------------


def waking(seat: Seat) -> bool:
    """Whether something that waits would wake it."""
    return bool(seat.db.value("mail.any_waking", seat.me.address.id))


@pytest.mark.parametrize(
    ("wake", "to", "kind", "quiet", "expected"),
    [
        ("direct", "@web", "note", False, True),
        ("direct", "@web", "note", True, False),
        ("direct", "#web", "note", False, False),
        ("direct", "#web", "request", False, True),
        ("direct", "all", "note", False, False),
        ("direct", "@web", "event", False, False),
        ("requests", "@web", "note", False, False),
        ("requests", "@web", "request", False, True),
        ("all", "all", "note", False, True),
        ("never", "@web", "request", False, False),
    ],
)
def test_kind_address_and_setting_decide_what_wakes(
    machine: Machine, wake: str, to: str, kind: str, quiet: bool, expected: bool
) -> None:
    api, web = machine.named("api", "web")
    web.set_wake(wake)
    api.send(to, "hello", kind=kind, quiet=quiet)
    assert waking(web) == expected
    assert web.rings()  # the next hook shows it in any case


def test_a_mode_that_does_not_exist_changes_nothing(machine: Machine) -> None:
    [api] = machine.named("api")
    with pytest.raises(Usage):
        api.set_wake("loud")
    assert api.me.address.wake == "direct"


def test_waking_is_the_name_s_and_outlives_its_session(machine: Machine) -> None:
    [api] = machine.named("api")
    api.set_wake("never")
    api.quit()
    assert machine.arrive("/src/api").me.address.wake == "never"
