"""Messages in the shape of claude-ipc: `{"from", "to", "timestamp", "message": {"content", "data"}}`.

Rules kept here:
- an answer is at most 60,000 bytes of JSON, because the original's clients read 65,536 once; what does not fit
  stays queued, and at least one message always fits;
- a large text is handed over as a summary and a file of its own, 0600 in a 0700 directory, named by the message's
  UUID: no two share one, and a second try writes the same;
- data that telex does not carry beside a text (over 10,240 bytes) goes into the text, entry by entry.
"""

from __future__ import annotations

import json
import os
import re
from datetime import datetime

from telex import limits
from telex.core.record import Record
from telex.errors import IpcRefused
from telex.private import make_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from telex.bus import Bus
    from telex.bus.inbox import Taking
    from telex.bus.message_view import Letter
    from telex.config import Settings

DIRECTORY = "~/.claude-ipc-data/large-messages"
SYSTEM = "system"  # what the original calls the sender of its own notices

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


class Handed:
    """Messages that are on their way to their reader; read once `finish(True)` says that they arrived."""

    def __init__(self, taking: Taking, letters: list[Letter], messages: list[dict[str, Any]], more: int) -> None:
        self.messages = messages
        self.more = more  # how many wait beyond these
        self.after: list[Callable[[], None]] = []  # what is done once they have arrived
        self._taking = taking
        self._letters = letters

    def finish(self, took: bool) -> None:
        """Whether the reader has them. Only the first call counts. Raises StoreFault: then they stay unread."""
        after, self.after = self.after, []
        self._taking.finish(took, only=self._letters)
        if took:
            for action in after:
                action()


class _Reader(Record):
    """For whom messages are put into shape."""

    id: str
    large_bytes: int


def hand_over(bus: Bus, taking: Taking, rules: Settings) -> Handed:
    """As much of what was taken as one answer holds."""
    reader = _Reader(id=bus.spelling(bus.me.address.name), large_bytes=rules.ipc_large_bytes)
    letters: list[Letter] = []
    messages: list[dict[str, Any]] = []
    size = 0
    try:
        for letter in taking.letters:
            shaped = _shaped(bus, letter, reader)
            size += len(json.dumps(shaped)) + 2
            if messages and size > limits.IPC_ANSWER_BYTES - limits.IPC_AROUND_BYTES:
                break
            letters.append(letter)
            messages.append(shaped)
        more = bus.unread() - len(letters)
    except BaseException:
        taking.finish(False)
        raise
    return Handed(taking, letters, messages, more)


def timestamp(ms: int) -> str:
    """A moment as the original writes it: local time, without a zone."""
    return datetime.fromtimestamp(ms / 1000).isoformat(timespec="microseconds")


def packed(message: object) -> tuple[str, str]:
    """The body and the data, as telex carries them, of a message as it was sent. Raises IpcRefused."""
    if not isinstance(message, dict) or not isinstance(message.get("content"), str):
        raise IpcRefused(words="Invalid message: 'message' must be an object with a text 'content'")
    content, data = message["content"], message.get("data")
    if data is None or data == {}:
        return content, ""
    if not isinstance(data, dict):
        raise IpcRefused(words="Invalid message: 'data' must be an object")
    if _size(data) <= limits.DATA_MOST_BYTES:
        return content, json.dumps(data, ensure_ascii=False)
    small = {key: value for key, value in data.items() if _size({key: value}) <= limits.IPC_ENTRY_BYTES}
    if _size(small) > limits.DATA_MOST_BYTES:
        small = {}
    for key, value in data.items():
        if key not in small:
            text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
            content += f"\n\n{key}:\n{text}"
    return content, json.dumps(small, ensure_ascii=False) if small else ""


def summary(text: str) -> str:
    """The first two sentences, or the first 150 characters."""
    head = text[: limits.IPC_SENTENCES_CHARS + 1]
    sentences = _SENTENCE_END.split(head)
    if len(sentences) > 2:  # the last may be cut short
        return " ".join(sentences[:2])
    return head[: limits.IPC_SUMMARY_CHARS] + "..."


def _size(data: dict[str, Any]) -> int:
    return len(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))


def _shaped(bus: Bus, letter: Letter, reader: _Reader) -> dict[str, Any]:
    if not letter.whole:
        letter = bus.show(letter.id).message
    sender = SYSTEM if letter.sender_kind == "system" else bus.spelling(letter.sender[1:])
    shaped = {"from": sender, "to": reader.id, "timestamp": timestamp(letter.created_ms)}
    message = {"content": letter.body, "data": _data(letter)}
    size = len(letter.body.encode())
    if size > reader.large_bytes or len(json.dumps(message)) > limits.IPC_ANSWER_BYTES - 2 * limits.IPC_AROUND_BYTES:
        message = _large(letter, shaped, size)
    return {**shaped, "message": message}


def _data(letter: Letter) -> dict[str, Any]:
    """What was sent beside the text; of a request or an answer also what telex knows of it."""
    data: dict[str, Any] = json.loads(letter.data) if letter.data else {}
    if letter.kind == "request" or letter.reply_to:
        data["telex"] = {"id": letter.id, "kind": letter.kind, "reply_to": letter.reply_to}
    return data


def _large(letter: Letter, shaped: dict[str, str], size: int) -> dict[str, Any]:
    """A text that is too large to hand over whole: its beginning, and where all of it is."""
    head, data = summary(letter.body), _data(letter)
    kilobytes = round(size / (1 << 10), 1)
    try:
        path = _saved(letter, shaped, kilobytes)
    except OSError:  # it is still in the store
        return {"content": f"{head} Full content: telex show {letter.id}", "data": data}
    data |= {"large_message_file": path, "original_size_kb": kilobytes}
    return {"content": f"{head} Full content saved to: {path}", "data": data}


def _saved(letter: Letter, shaped: dict[str, str], kilobytes: float) -> str:
    """Where the whole text lies. Raises OSError."""
    directory = os.path.expanduser(DIRECTORY)
    make_directory(directory)
    os.chmod(directory, 0o700)
    when = datetime.fromtimestamp(letter.created_ms / 1000).strftime("%Y%m%d-%H%M%S")
    name = f"{when}_{shaped['from']}_{shaped['to']}_message_{letter.uuid.replace('-', '')[-12:]}.md"
    head = f"# IPC Message\n\nFrom: {shaped['from']}\nTo: {shaped['to']}\nTime: {shaped['timestamp']}\n"
    text = f"{head}Size: {kilobytes}KB\n\n## Content\n\n{letter.body}\n"
    draft = f"{directory}/.{os.urandom(8).hex()}"
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(draft, f"{directory}/{name}")
    return f"{directory}/{name}"
