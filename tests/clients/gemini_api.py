"""Gemini's API, as far as a scripted model speaks it: content blocks in, its JSON and events out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

PATHS = (":generateContent", ":streamGenerateContent")


def streams(path: str, body: Json) -> bool:
    """Whether the client wants the answer in events."""
    return path.endswith(":streamGenerateContent")


def reply(body: Json, blocks: list[Json]) -> Json:
    """The answer in one piece."""
    parts = [
        {"text": block["text"]}
        if block["type"] == "text"
        else {"functionCall": {"name": block["name"], "args": block["input"]}}
        for block in blocks
    ]
    return {
        "candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": parts}}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15},
        "modelVersion": "scripted",
    }


def events(body: Json, blocks: list[Json]) -> Iterator[str]:
    """The answer as server-sent events: the beginning of its text, and the rest with the end."""
    begun, rest = [], blocks
    if blocks[0]["type"] == "text":
        text = blocks[0]["text"]
        begun, rest = [{"type": "text", "text": text[:1]}], [{"type": "text", "text": text[1:]}, *blocks[1:]]
    if begun:
        first = reply(body, begun)
        del first["candidates"][0]["finishReason"]
        yield f"data: {json.dumps(first)}\n\n"
    yield f"data: {json.dumps(reply(body, rest))}\n\n"
