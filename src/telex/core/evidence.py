"""Which later event of a client proves that a model request carried what a hook handed over.

Rules kept here:
- an event proves a handing only if it implies a model request that was made after the handing. The end of one of
  several tool calls implies none, nor does anything of a turn that was running when a prompt joined it, but its end;
- a prompt without proof before it means one of two things: the client took the earlier prompt back, and the text with
  it, so it is queued again (`LOST`); or the client keeps the text in the conversation, and the new prompt carries it
  (`KEPT`);
- a turn that failed proves nothing. A client that keeps the text of such a turn in the conversation has a rule for it
  (`FAILED`), which holds from then on: a prompt that comes after it carries the text;
- what an event of another turn says is no proof where the client names its turns;
- the table is the single source: the hooks obey it, the manual's table of hook points is made from it.
"""

from __future__ import annotations

from telex.core.record import Record

# Hook points: where a text is handed over.
START, PROMPT, TOOL, STOP = "session start", "next prompt", "between tool calls", "end of turn"
WOKEN = "woken"  # an idle session
ANSWER = "the turn's answer"  # complete, while the turn can still go on
SINGLE_TOOL = "after one tool"  # of several that may run at once
# Besides these, what can happen afterwards.
INTERRUPTED = "interrupted"
FAILED = "failed"  # the turn ended because the model could not be asked; also the rule for what was handed over in it

LOST, KEPT = "lost", "kept"
PROVED, DROPPED, JOINED, OPEN = "proved", "dropped", "joined", "open"


class Rule(Record):
    """What a handing at one hook point of one client needs."""

    proofs: tuple[str, ...]  # the events after it that prove it
    unanswered: str  # what a prompt without proof before it means: LOST or KEPT
    own_prompt: bool = False  # the text starts a turn, and comes back as the prompt of that turn


_ANY = (TOOL, STOP)
_PARALLEL = Rule(proofs=(STOP,), unanswered=KEPT)  # tools run at once, and the client does not say which go together
# An Esc or an error takes the whole turn out of the conversation, and fires the event of a tool that it stopped.
_WITHDRAWN = Rule(proofs=(STOP,), unanswered=LOST)

RULES: dict[str, dict[str, Rule]] = {
    "claude": {
        PROMPT: Rule(proofs=_ANY, unanswered=LOST),
        TOOL: Rule(proofs=_ANY, unanswered=KEPT),
        SINGLE_TOOL: _PARALLEL,
        STOP: Rule(proofs=_ANY, unanswered=KEPT),
        FAILED: Rule(proofs=_ANY, unanswered=KEPT),
        WOKEN: Rule(proofs=(), unanswered=LOST, own_prompt=True),
    },
    "codex": {
        PROMPT: Rule(proofs=_ANY, unanswered=KEPT),
        TOOL: _PARALLEL,
        STOP: Rule(proofs=_ANY, unanswered=KEPT),
    },
    "gemini": {
        PROMPT: _WITHDRAWN,
        TOOL: _WITHDRAWN,
        STOP: Rule(proofs=(STOP,), unanswered=LOST, own_prompt=True),
    },
    "copilot": {
        START: Rule(proofs=_ANY, unanswered=KEPT),
        PROMPT: Rule(proofs=_ANY, unanswered=KEPT),
        TOOL: _PARALLEL,
        STOP: Rule(proofs=_ANY, unanswered=KEPT, own_prompt=True),
    },
    "opencode": {
        START: Rule(proofs=(TOOL, ANSWER, STOP), unanswered=KEPT),
        PROMPT: Rule(proofs=(TOOL, ANSWER, STOP), unanswered=KEPT),
        TOOL: _PARALLEL,
        ANSWER: _PARALLEL,
        STOP: Rule(proofs=(TOOL, ANSWER, STOP), unanswered=KEPT),
        WOKEN: Rule(proofs=(TOOL, ANSWER, STOP), unanswered=KEPT),
    },
}
_UNKNOWN = Rule(proofs=(STOP,), unanswered=LOST)  # nothing is known of such a client: only the end of a turn proves


_EVENTS = {TOOL: "the next tool call", ANSWER: "an answer", STOP: "the end of the turn"}
_UNANSWERED = {LOST: "a prompt before that gives it back", KEPT: "a prompt before that carries it on"}


def in_words(client: str, point: str) -> str:
    """What proves a handing at a client's hook point; '' where nothing is handed over."""
    known = RULES.get(client, {}).get(point)
    if known is None:
        return ""
    proofs = " or ".join(_EVENTS[proof] for proof in known.proofs)
    if not proofs:
        proofs = f"{_EVENTS[TOOL]} or {_EVENTS[STOP]} after the prompt that it becomes"
    return f"{proofs}; {_UNANSWERED[known.unanswered]}"


def rule(client: str, point: str) -> Rule:
    """The rule for a client's hook point."""
    return RULES.get(client, {}).get(point, _UNKNOWN)


class Handing(Record):
    """What is remembered of a text that was handed over."""

    stage: str  # the hook point whose rule holds now: a wake-up becomes the prompt of its turn
    turn: str  # the client's own id of the turn; '' where it gives none
    joined: int  # the turn was running when the text came as a prompt
    armed: int  # the text has left; else the hook ended before that, and nothing proves it


class Event(Record):
    """What happened in a session after that."""

    what: str  # a hook point, INTERRUPTED or FAILED
    turn: str = ""
    own: bool = False  # a prompt that is the text itself


def judge(client: str, handed: Handing, event: Event) -> str:
    """What an event says of a handing: PROVED, DROPPED, JOINED (the event's turn carries it, or is to) or OPEN."""
    if not handed.armed:
        return DROPPED
    known = rule(client, handed.stage)
    starts = event.own and known.own_prompt
    if event.what == PROMPT and handed.turn and handed.turn == event.turn and not starts:
        return OPEN  # a second hook of the same prompt, where the client has telex's line twice
    if event.what == PROMPT:
        return JOINED if starts or known.unanswered == KEPT else DROPPED
    if handed.turn and event.turn and handed.turn != event.turn:
        return OPEN
    if event.what == FAILED:
        kept = FAILED in RULES.get(client, {}) and handed.stage == PROMPT and not handed.joined
        return JOINED if kept else OPEN
    proofs = (STOP,) if handed.joined and STOP in known.proofs else known.proofs
    return PROVED if event.what in proofs else OPEN
