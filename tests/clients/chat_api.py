"""OpenAI's Chat Completions API, as far as a scripted model speaks it: content blocks in, its JSON and events out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

PATHS = ("/chat/completions",)
_USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


def streams(path: str, body: Json) -> bool:
    """Whether the client wants the answer in events."""
    return bool(body.get("stream"))


def reply(body: Json, blocks: list[Json]) -> Json:
    """The answer in one piece."""
    choice = {"index": 0, "message": _message(blocks), "finish_reason": _finish(blocks)}
    return {**_head(body, "chat.completion"), "choices": [choice], "usage": _USAGE}


def events(body: Json, blocks: list[Json]) -> Iterator[str]:
    """The answer as server-sent events."""
    head = _head(body, "chat.completion.chunk")
    first = {"index": 0, "delta": _message(blocks), "finish_reason": None}
    last = {"index": 0, "delta": {}, "finish_reason": _finish(blocks)}
    for chunk in ({**head, "choices": [first]}, {**head, "choices": [last], "usage": _USAGE}):
        yield f"data: {json.dumps(chunk)}\n\n"
    yield "data: [DONE]\n\n"


def _head(body: Json, kind: str) -> Json:
    name = f"chatcmpl-{time.monotonic_ns()}"
    return {"id": name, "created": int(time.time()), "model": body.get("model", "scripted"), "object": kind}


def _message(blocks: list[Json]) -> Json:
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    message: Json = {"role": "assistant", "content": text or None}
    used = [block for block in blocks if block["type"] == "tool_use"]
    if used:
        message["tool_calls"] = [
            {
                "index": index,
                "id": block["id"],
                "type": "function",
                "function": {"name": block["name"], "arguments": json.dumps(block["input"])},
            }
            for index, block in enumerate(used)
        ]
    return message


def _finish(blocks: list[Json]) -> str:
    return "tool_calls" if any(block["type"] == "tool_use" for block in blocks) else "stop"
