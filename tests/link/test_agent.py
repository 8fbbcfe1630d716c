"""Two machines with links of their own and a real relay between them: what people and agents do there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.link.boxes import Box, Two, linked, until

from telex import limits
from telex.team import link_process


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    with linked(tmp_path) as made:
        yield made


def test_a_message_crosses_and_its_sender_sees_how_far_it_came(two: Two) -> None:
    two.alice.telex("name", "frontend", name="frontend")
    sent = two.bob.telex("send", "@frontend@alice-laptop", "the schema moved", "--json", name="api").json
    assert sent["recipients"][0]["state"] == "queued"
    taken = two.alice.telex("wait", "--timeout", "60s", "--json", name="frontend").json["messages"]
    assert [(one["sender"], one["body"]) for one in taken] == [("@api@bob-laptop", "the schema moved")]
    shown = until(
        lambda: [
            one for one in two.bob.telex("show", sent["id"], "--json").json["deliveries"] if one["state"] == "read"
        ],
        "the receipt",
    )
    assert [one["name"] for one in shown] == ["@frontend@alice-laptop"]


def test_a_question_is_answered_across(two: Two) -> None:
    two.alice.telex("name", "frontend", name="frontend")
    words = ["ask", "@frontend@alice-laptop", "which port?", "--timeout", "60s", "--json"]
    variables = {**two.bob.environment, "TELEX_NAME": "api"}
    asking = subprocess.Popen([*two.bob.words, *words], env=variables, cwd=two.bob.work, stdout=subprocess.PIPE)
    asked = two.alice.telex("wait", "--timeout", "60s", "--json", name="frontend").json["messages"][0]
    assert asked["kind"] == "request"
    assert two.alice.telex("reply", asked["id"], "port 5173", name="frontend").status == 0
    answer = json.loads(asking.communicate()[0])
    assert [one["body"] for one in answer["messages"]] == ["port 5173"]


def test_a_channel_spans_machines(two: Two) -> None:
    two.alice.telex("join", "#release", name="frontend")
    until(lambda: "frontend@alice-laptop" in two.bob.telex("channels").out, "the member at the other machine")
    two.bob.telex("join", "#release", name="api")
    sent = two.bob.telex("send", "#release", "we tag at noon", "--json", name="api").json
    assert [one["name"] for one in sent["recipients"]] == ["@frontend@alice-laptop"]
    taken = two.alice.telex("wait", "--timeout", "60s", "--json", name="frontend").json["messages"]
    assert [(one["to"], one["body"]) for one in taken] == [("#release", "we tag at noon")]


def test_a_large_text_comes_whole_in_parts(two: Two) -> None:
    two.alice.telex("name", "frontend", name="frontend")
    text = "".join(f"line {number}\n" for number in range(300_000))
    two.bob.telex("send", "@frontend@alice-laptop", "--stdin", stdin=text.encode(), name="api")
    taken = two.alice.telex("wait", "--timeout", "60s", "--json", name="frontend").json["messages"][0]
    assert taken["size"] == len(text) > 3 * limits.LINK_PART_BYTES
    assert two.alice.telex("read", taken["id"], "--json", name="frontend").json["messages"][0]["body"] == text


def test_presence_crosses_and_says_how_old_it_is(two: Two) -> None:
    two.bob.telex("name", "api", name="api")
    rows = until(
        lambda: [one for one in two.alice.telex("who", "--json").json["sessions"] if one["name"] == "@api@bob-laptop"],
        "the session at the other machine",
    )
    assert rows[0]["machine"] == "bob-laptop"


def is_there(box: Box, name: str) -> bool:
    """Whether a machine knows that somebody lives at another one."""
    found = box.telex("who", "--json").json["sessions"]
    return any(one["name"] == name and one["state"] in ("idle", "busy") for one in found)


def is_gone(box: Box, name: str) -> bool:
    """Whether it knows nobody there, or somebody who is offline."""
    return not is_there(box, name)


def test_who_comes_and_goes_is_known_without_a_look(tmp_path: Path) -> None:
    """Would break: a session that starts, ends or is killed is known at the other machines only at the next look. Here
    the next look never comes, and what is known comes by the bell, the relay's answer and the end of a process."""
    with linked(tmp_path, TELEX_LONG="PRESENCE_LOOK_SECONDS") as two:
        two.alice.start()
        two.bob.start()
        for end in (signal.SIGINT, signal.SIGKILL):
            words = [*two.bob.words, "run", "--name", f"w{end}", "--", "sleep", "600"]
            worker = subprocess.Popen(words, env=two.bob.environment, cwd=two.bob.work, start_new_session=True)
            name = f"@w{end}@bob-laptop"
            until(partial(is_there, two.alice, name), "the session that started")
            os.killpg(worker.pid, end)
            worker.wait()
            until(partial(is_gone, two.alice, name), "its end")
        two.alice.telex("name", "frontend", name="frontend")
        until(partial(is_there, two.bob, "@frontend@alice-laptop"), "the same the other way")


def test_what_is_sent_offline_arrives_in_order_once_the_relay_is_back(two: Two) -> None:
    two.relay.kill()
    for number in range(30):
        sent = two.bob.telex("send", "@dana@alice-laptop", f"number {number}", "--json", name="api").json
        assert "waits here" in sent["recipients"][0]["note"]
    two.relay.start()
    until(lambda: len(two.alice.texts()) == 30, "thirty messages")
    assert two.alice.texts() == [f"number {number}" for number in range(30)]


def test_a_second_link_ends_at_once(two: Two) -> None:
    two.alice.start()
    assert two.alice.telex("link", "run").out == "another process runs this link already\n"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_link_that_is_told_to_ends_in_good_order(two: Two, how: signal.Signals) -> None:
    two.alice.start()
    assert two.alice.end(how) == 0
    assert f"ends: told to by {how.name}" in two.alice.log()


def test_a_link_ends_when_the_machine_pauses_and_runs_again_when_it_goes_on(two: Two) -> None:
    until(lambda: link_process.runs(str(two.alice.telex_home)), "the link")
    two.alice.telex("link", "pause")
    until(lambda: not link_process.runs(str(two.alice.telex_home)), "the end of the link")
    two.bob.telex("send", "@dana@alice-laptop", "later", name="api")
    two.alice.telex("link", "resume")
    until(lambda: two.alice.texts() == ["later"], "the message")


def test_a_link_ends_when_the_machine_leaves(two: Two) -> None:
    until(lambda: link_process.runs(str(two.bob.telex_home)), "the link")
    assert two.bob.telex("link", "leave").status == 0
    until(lambda: not link_process.runs(str(two.bob.telex_home)), "the end of the link")


def test_a_machine_that_was_removed_is_told_and_gets_nothing_more(tmp_path: Path) -> None:
    with linked(tmp_path, TELEX_SHORT="LINK_UNKNOWN_SECONDS LINK_RETRY_MOST_MS") as two:
        running = two.bob.start()
        assert two.alice.telex("link", "remove", "bob-laptop").status == 0
        until(lambda: "was removed from the team" in two.bob.telex("link", "status").out, "the news of its removal")
        assert running.wait(timeout=60) == 0
        refused = two.alice.telex("send", "@api@bob-laptop", "hello", name="frontend")
        assert refused.status != 0
        assert two.bob.texts() == []


def test_the_links_log_has_no_text_no_name_and_no_token(two: Two) -> None:
    two.bob.telex("send", "@plutonium@alice-laptop", "canary text", "--data", '{"canary": 1}', name="magpie")
    until(lambda: two.alice.texts() == ["canary text"], "the message")
    for box in (two.alice, two.bob):
        box.quiet()
        for word in ("canary", "plutonium", "magpie", "Telex "):
            assert word not in box.log()


def test_the_links_log_does_not_grow_for_ever(two: Two) -> None:
    two.alice.quiet()
    log = two.alice.telex_home / "link" / "log"
    log.write_bytes(b"x" * limits.LINK_LOG_BYTES)
    two.alice.start()
    until(lambda: (log.parent / "log.1").exists(), "the older log")
    assert not log.exists() or log.stat().st_size < limits.LINK_LOG_BYTES


def test_a_link_that_cannot_begin_says_why_where_people_look(two: Two) -> None:
    two.alice.quiet()
    (two.alice.telex_home / "link" / "machine.key").chmod(0o644)
    two.alice.telex("link", "resume")
    until(lambda: "other users may read it" in two.alice.telex("link", "status").out, "the reason")
    assert "other users may read it" in two.alice.log()
