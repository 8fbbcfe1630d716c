"""OpenAI's Responses API, as far as a scripted model speaks it: content blocks in, its JSON and events out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

PATHS = ("/responses",)
_USAGE = {
    "input_tokens": 10,
    "output_tokens": 5,
    "total_tokens": 15,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens_details": {"reasoning_tokens": 0},
}


def streams(path: str, body: Json) -> bool:
    """Whether the client wants the answer in events."""
    return bool(body.get("stream"))


def reply(body: Json, blocks: list[Json]) -> Json:
    """The answer in one piece."""
    return {
        "id": f"resp_{time.monotonic_ns()}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "completed",
        "model": body.get("model", "scripted"),
        "output": [_item(block) for block in blocks],
        "error": None,
        "usage": _USAGE,
    }


def events(body: Json, blocks: list[Json]) -> Iterator[str]:
    """The answer as server-sent events."""
    whole = reply(body, blocks)
    yield _event("response.created", response={**whole, "status": "in_progress", "output": [], "usage": None})
    for index, item in enumerate(whole["output"]):
        yield _event("response.output_item.added", output_index=index, item={**item, "status": "in_progress"})
        yield _event("response.output_item.done", output_index=index, item=item)
    yield _event("response.completed", response=whole)


def _event(kind: str, **fields: object) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n"


def _item(block: Json) -> Json:
    name = f"item_{time.monotonic_ns()}"
    if block["type"] == "text":
        content = [{"type": "output_text", "text": block["text"], "annotations": []}]
        return {"type": "message", "id": name, "role": "assistant", "status": "completed", "content": content}
    arguments = json.dumps(block["input"])
    call = {"type": "function_call", "id": name, "call_id": block["id"], "status": "completed"}
    space = {"namespace": block["namespace"]} if "namespace" in block else {}
    return {**call, **space, "name": block["name"], "arguments": arguments}
