"""The verbs as a kill sweep sees them: what each may store, remove and promise, and the home it starts from."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.crash.audit import Look
from tests.crash.harness import WAKE_EVENT

REQUEST, WAITING, ANSWERED = "please look at the first", "the second, which waits", "the third, for alice"
FINISHED = "the fourth, " + 3_000 * "done "
SENT, LARGE = "the swept one", "large " * 3_000
IMPORTED = ("an imported one", "imported and large " + 900 * "0123456789 ", "the last imported")
SESSIONS = ("alice", "bob", "carol")


class Verb(NamedTuple):
    """One verb under the sweep."""

    name: str
    who: str
    words: tuple[str, ...]  # of the command line, or ("hook", event, field=value …)
    stdin: str = ""
    stores: tuple[str, ...] = ()  # bodies, all of them or none
    recipients: int = 1  # of each
    removes: tuple[str, ...] = ()  # bodies
    promise: str = ""  # what it says once it is done; "" for a verb that promises nothing
    kept: Callable[[Look], bool] = lambda _: True  # what is then true
    home: str = "settled"
    mends: str = ""  # problems that begin so are there before it

    @property
    def wakes(self) -> bool:
        """Whether it speaks by its status and on standard error, to start a turn."""
        return self.words[:2] == ("hook", WAKE_EVENT)


EVERY = (
    Verb(
        name="send",
        who="alice",
        words=("send", "@bob,@carol", SENT),
        stores=(SENT,),
        recipients=2,
        promise="->",
        kept=lambda found: bool(found.number(SENT)),
    ),
    Verb(
        name="send with a body beside the store",
        who="alice",
        words=("send", "@bob", "--stdin"),
        stdin=LARGE,
        stores=(LARGE,),
        promise="->",
        kept=lambda found: bool(found.number(LARGE)),
    ),
    Verb(
        name="send that makes a checkpoint",
        who="alice",
        words=("send", "@bob", SENT),
        stores=(SENT,),
        promise="->",
        kept=lambda found: bool(found.number(SENT)),
        home="long log",
    ),
    Verb(
        name="the first send of all",
        who="alice",
        words=("send", "@bob", SENT),
        stores=(SENT,),
        promise="->",
        kept=lambda found: bool(found.number(SENT)),
        home="none",
    ),
    Verb(
        name="reply",
        who="bob",
        words=("reply", "m1", SENT),
        stores=(SENT,),
        promise="->",
        kept=lambda found: bool(found.number(SENT)) and found.states[1, "bob"] == "read",
    ),
    Verb(name="read", who="bob", words=("read",)),
    Verb(
        name="done",
        who="bob",
        words=("done", "m1"),
        promise="m1 done",
        kept=lambda found: found.states[1, "bob"] == "done",
    ),
    Verb(
        name="rename", who="bob", words=("name", "bobby"), promise="@bobby", kept=lambda found: "bobby" in found.names
    ),
    Verb(
        name="join",
        who="bob",
        words=("join", "#release"),
        promise="#release",
        kept=lambda found: ("release", "bob") in found.members,
    ),
    Verb(name="wait", who="bob", words=("wait", "--timeout", "9s")),
    Verb(
        name="import",
        who="",
        words=("import", "-", "--queued"),
        stores=IMPORTED,
        promise="3 messages taken in",
        kept=lambda found: all(found.number(body) for body in IMPORTED),
    ),
    Verb(
        name="purge",
        who="",
        words=("purge", "--with", "carol", "--yes"),
        removes=(FINISHED,),
        promise="deleted",
        kept=lambda found: not found.number(FINISHED),
    ),
    Verb(
        name="repair",
        who="",
        words=("doctor", "--repair"),
        promise="saved into a new one",
        kept=lambda found: bool(found.number(WAITING)),
        home="damaged",
        mends="integrity",
    ),
    Verb(name="the hook of a prompt", who="bob", words=("hook", "UserPromptSubmit")),
    Verb(name="the hook that proves a showing", who="bob", words=("hook", "PostToolBatch"), home="handed"),
    Verb(name="the hook of a start", who="bob", words=("hook", "SessionStart", "source=resume")),
    Verb(name="the hook at the end of a turn, with mail", who="bob", words=("hook", "Stop")),
    Verb(name="the hook at the end of a turn, with a debt", who="bob", words=("hook", "Stop"), home="shown"),
    Verb(name="the hook when a turn is over", who="bob", words=("hook", "Stop", "stop_hook_active=1"), home="shown"),
    Verb(name="the hook of a bell", who="bob", words=("hook", WAKE_EVENT)),
    Verb(name="the hook of an end", who="bob", words=("hook", "SessionEnd", "reason=other")),
)
VERBS = {verb.name: verb for verb in EVERY}
