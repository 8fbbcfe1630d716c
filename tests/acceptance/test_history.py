"""Looking back: one message with its receipts, the log, searching, following; who is here; channels."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.machine import HOUR, Machine, said

from telex import limits
from telex.errors import MessageUnknown, NameInvalid, NameUnknown, NotMember, StoreFault, Usage

# --- one message ------------------------------------------------------------------------------------------


def test_a_message_shows_what_became_of_it_everywhere(machine: Machine) -> None:
    api, web, docs = machine.named("api", "web", "docs")
    start = machine.clock()
    answer = api.send("@web,@docs,@later", "hello", data='{"pr": 1}')
    machine.clock.pass_by(5)
    web.hook()
    machine.clock.pass_by(5)
    docs.done(answer.id)
    shown = api.show(answer.id)
    assert shown.sound
    assert (shown.message.body, shown.message.data, shown.message.state) == ("hello", '{"pr":1}', "")
    receipts = {one.name: one for one in shown.deliveries}
    assert [(one.name, one.state, one.via, one.reason) for one in shown.deliveries] == [
        ("@web", "shown", "direct", "next prompt"),
        ("@docs", "done", "direct", "done"),
        ("@later", "queued", "direct", ""),
    ]
    assert (receipts["@web"].shown_ms, receipts["@web"].closed_ms) == (start + 5_000, 0)
    assert (receipts["@docs"].read_ms, receipts["@docs"].closed_ms) == (start + 10_000, start + 10_000)


def test_replies_are_listed_and_notices_are_not(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    request = api.send("@web", "which port?", kind="request", deadline_s=1)
    machine.clock.pass_by(2)
    answers = [web.reply(request.id, f"answer {number}").id for number in range(2)]
    machine.person.send("@api", "tick")
    assert api.show(request.id).replies == answers


@pytest.mark.parametrize("id", ["m99", "0", "zzz", "", "m", "ffffffff-ffff-7fff-bfff-ffffffffffff"])
def test_an_unknown_message_is_said_to_be(machine: Machine, id: str) -> None:
    with pytest.raises(MessageUnknown):
        machine.person.show(id)


# --- the log ----------------------------------------------------------------------------------------------


def test_the_log_is_ones_own_newest_first(machine: Machine) -> None:
    api, web, docs = machine.named("api", "web", "docs")
    api.send("@web", "one")
    web.send("@docs", "two")
    docs.send("@api", "three")
    machine.person.send("#api", "four")
    assert said(api.log()) == ["four", "three", "one"]
    assert said(api.log(everything=True)) == ["four", "three", "two", "one"]
    assert said(api.log(most=1)) == ["four"]


def test_the_log_with_somebody_is_what_went_either_way(machine: Machine) -> None:
    api, web, _ = machine.named("api", "web", "docs")
    api.send("@web", "one")
    web.send("@api", "two")
    web.send("@docs", "three")
    api.send("@docs", "four")
    for name in ("@web", "web", "WEB"):
        assert said(api.log(partner=name)) == ["two", "one"]
    assert said(api.log(partner="@web", everything=True)) == ["three", "two", "one"]
    assert said(api.log(partner="@api")) == ["four", "two", "one"]


def test_the_log_with_somebody_survives_a_rename(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    api.send("@web", "one")
    web.rename("frontend")
    assert said(api.log(partner="frontend")) == said(api.log(partner="web")) == ["one"]


def test_the_log_with_a_channel_is_what_went_there(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    api.join("team")
    web.join("team")
    api.send("#team", "one")
    api.send("@web", "two")
    web.send("@dana,#team", "three")
    machine.person.send("#team,@api", "four")
    assert said(api.log(partner="#team")) == ["four", "three", "one"]


def test_a_channel_is_no_part_of_a_longer_one(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    for seat in (api, web):
        seat.join("team")
        seat.join("team-2")
    api.send("#team-2", "elsewhere")
    assert api.log(partner="#team") == []


@pytest.mark.parametrize(("partner", "problem"), [("nobody", NameUnknown), ("a b", NameInvalid), ("#a b", NameInvalid)])
def test_a_log_with_nobody_is_not_found(machine: Machine, partner: str, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        machine.person.log(partner=partner)


def test_following_brings_what_comes_from_now_on(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    api, web = machine.named("api", "web")
    api.send("@web", "before")
    script = iter(["@web", "@elsewhere", "@web"])

    def meanwhile(_: float) -> None:
        if to := next(script, ""):
            api.send(to, f"to {to} as m{int(machine.db.value('history.newest')) + 1}")

    monkeypatch.setattr("time.sleep", meanwhile)
    comes = web.follow()
    assert [next(comes).body, next(comes).body] == ["to @web as m2", "to @web as m4"]
    script = iter(["@elsewhere"])
    assert next(web.follow(everything=True)).body == "to @elsewhere as m5"


def test_following_ends_when_its_time_is_up(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FOLLOW_POLL_MS", 1)
    assert list(machine.person.follow(timeout_s=0.002)) == []


# --- searching --------------------------------------------------------------------------------------------


def test_all_words_must_occur_in_ones_own_mail(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    api.send("@web", "the schema moved to v2")
    api.send("@web", "the schema stays")
    machine.person.send("@elsewhere", "schema v2 as well")
    assert said(web.search("schema", "v2")) == ["the schema moved to v2"]
    assert said(web.search("schema v2", everything=True)) == ["schema v2 as well", "the schema moved to v2"]
    assert said(web.search("SCHEMA", most=1)) == ["the schema stays"]
    assert web.search("postgres") == []


def test_words_of_every_language_are_found(machine: Machine) -> None:
    machine.person.send("@api", "Größe café 日本 שלום привет")
    for word in ("größe", "cafe", "日本", "שלום", "ПРИВЕТ"):
        assert len(machine.person.search(word)) == 1, word


def test_only_the_head_of_a_large_body_is_searched(machine: Machine) -> None:
    machine.person.send("@api", "needle " + "x " * 20_000 + "haystack")
    assert len(machine.person.search("needle")) == 1
    assert machine.person.search("haystack") == []


@pytest.mark.parametrize("words", [[], [""], [" ", "\t"]])
def test_searching_for_nothing_is_wrong_words(machine: Machine, words: list[str]) -> None:
    with pytest.raises(Usage, match="search for what"):
        machine.person.search(*words)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(exclude_categories=[]), max_size=12), max_size=4))
def test_no_words_break_the_search(machine: Machine, words: list[str]) -> None:
    try:
        machine.person.search(*words, everything=True)
    except Usage:
        assert not "".join(words).replace("\0", " ").split()


@pytest.mark.parametrize(
    "words",
    ['"', '""', "a OR b", "NEAR(a b)", "body:x", "a*", "-a", "^a", "(", "a AND", "{a}", "\0", "a\0b", "'; DROP"],
)
def test_the_languages_of_searching_are_plain_words(machine: Machine, words: str) -> None:
    machine.person.send("@api", "a b x or and near drop body")
    try:
        machine.person.search(words)
    except StoreFault as problem:  # pragma: no cover - what must not happen
        pytest.fail(f"{words!r}: {problem}")
    except Usage:
        assert words == "\0"


# --- who is here ------------------------------------------------------------------------------------------


def test_who_tells_client_place_state_and_what_waits(machine: Machine) -> None:
    api = machine.arrive("/src/api", title="lead")
    web, gone, empty = machine.named("web", "gone", "empty")
    web.marks("p")
    web.set_wake("never")
    machine.person.send("@lead,@gone,@later", "hello")
    gone.quit()
    machine.crash(empty)
    found = {one.name: one for one in api.who()}
    assert {name: (one.state, one.unread, one.me) for name, one in found.items()} == {
        "@dana": ("", 0, False),
        "@lead": ("idle", 1, True),
        "@web": ("busy", 0, False),
        "@gone": ("offline", 1, False),
        "@later": ("nobody", 1, False),
    }
    assert (found["@lead"].client, found["@lead"].directory, found["@lead"].title) == ("claude", "/src/api", "lead")
    assert found["@web"].wake == "never"
    assert found["@gone"].ended_why == "the session ended (test)"
    everybody = {one.name: one.state for one in api.who(everybody=True)}
    assert everybody["@empty"] == "offline"


def test_a_name_whose_session_went_elsewhere_is_offline(machine: Machine) -> None:
    api = machine.arrive("/src/api", key="one")
    machine.crash(api)
    machine.arrive("/src/api", key="two")
    machine.arrive("/src/api", key="one")
    assert [(one.name, one.state) for one in machine.person.who() if one.kind == "session"] == [
        ("@api", "idle"),
        ("@api-2", "idle"),
    ]


# --- channels ---------------------------------------------------------------------------------------------


def test_channels_list_who_is_here_or_joined_on_purpose(machine: Machine) -> None:
    api, web, gone = machine.named("api", "web", "gone")
    api.join("#Release")
    gone.join("release")
    machine.person.join("release")
    gone.quit()
    found = {one.name: (one.members, one.mine) for one in api.channels()}
    assert found == {
        "#api": (["@api"], True),
        "#release": (["@dana", "@api", "@gone"], True),
        "#web": (["@web"], False),
    }
    assert web.channels()[0].mine is False


def test_joining_twice_is_once_and_leaving_is_leaving(machine: Machine) -> None:
    [api] = machine.named("api")
    assert [api.join("release") for _ in range(2)] == ["#release"] * 2
    assert api.leave("#RELEASE") == "#release"
    with pytest.raises(NotMember, match="not a member of #release"):
        api.leave("release")
    with pytest.raises(NotMember):
        api.leave("never-was")


def test_who_left_hears_nothing_more(machine: Machine) -> None:
    api, web = machine.named("api", "web")
    for seat in (api, web):
        seat.join("release")
    web.leave("release")
    assert [one.name for one in api.send("#release", "hello").recipients] == ["#release"]  # kept for those who come
    assert web.heard() == []


def test_one_may_leave_the_channel_of_ones_place(machine: Machine) -> None:
    one, two = machine.arrive("/src/shop"), machine.arrive("/src/shop")
    two.leave("shop")
    assert [each.name for each in one.send("#shop", "hello").recipients] == ["#shop"]
    assert two.heard() == []


@pytest.mark.parametrize("name", ["", "#", "a b", "##x", "\u0430", "../x", "x" * 65])
def test_a_channel_has_a_name_of_the_grammar(machine: Machine, name: str) -> None:
    [api] = machine.named("api")
    with pytest.raises(NameInvalid):
        api.join(name)
    with pytest.raises(NameInvalid):
        api.leave(name)


def test_what_one_joined_stays_through_a_rename_and_a_resume(machine: Machine) -> None:
    api = machine.arrive("/src/api", key="one")
    api.join("release")
    api.rename("backend")
    api.quit()
    machine.clock.pass_by(5 * HOUR)
    machine.arrive("/src/api", key="one")
    machine.person.send("#release", "still there?")
    assert api.heard() == ["still there?"]
