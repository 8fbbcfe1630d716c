"""Where one JSON object ends in a stream that has no frames.

Rules kept here: every byte is looked at once, however the stream is cut into segments; only what decides is looked
at (quotes, backslashes, braces), so a long text costs next to nothing; too much, too deep and what cannot become an
object is refused as soon as it can be seen.
"""

from __future__ import annotations

import json
import re
from typing import Any

from telex import limits
from telex.errors import IpcRefused

_OUTSIDE = re.compile(rb'["{}]')
_INSIDE = re.compile(rb'["\\]')
_SPACE = b" \t\r\n"


class Request:
    """One request as it comes in."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._seen = 0  # up to here it has been looked at
        self._depth = 0
        self._in_text = False
        self.complete = False

    def __len__(self) -> int:
        return len(self._data)

    def feed(self, segment: bytes) -> None:
        """Take what came. Raises IpcRefused for what is not, or not only, one object."""
        self._data += segment
        if not self._depth and not self.complete:
            start = len(self._data) - len(self._data.lstrip(_SPACE))
            if start < len(self._data) and self._data[start] != ord("{"):
                raise IpcRefused(words="Invalid request: a JSON object is expected")
        if not self.complete:
            self._look()
        if len(self._data) > limits.IPC_REQUEST_MOST_BYTES:
            raise IpcRefused(words=f"Request too large: the most is {limits.IPC_REQUEST_MOST_BYTES} bytes")
        if self.complete and self._data[self._seen :].strip(_SPACE):
            raise IpcRefused(words="Extra data after the request: one JSON object per connection")

    def value(self) -> dict[str, Any]:
        """The object. Raises IpcRefused for what is no JSON."""
        try:
            found = json.loads(self._data[: self._seen if self.complete else None].decode("utf-8"))
        except UnicodeDecodeError as problem:
            raise IpcRefused(words=f"Invalid request: byte {problem.start} is not UTF-8") from None
        except RecursionError:
            raise IpcRefused(words="Invalid JSON: it is nested too deeply") from None
        except ValueError as problem:
            raise IpcRefused(words=f"Invalid JSON: {problem}") from None
        assert isinstance(found, dict)  # it begins with a brace
        return found

    def _look(self) -> None:
        end = len(self._data)
        while self._seen < end:
            if self._in_text:
                found = _INSIDE.search(self._data, self._seen)
                if found is None:
                    self._seen = end
                elif found[0] == b'"':
                    self._in_text, self._seen = False, found.end()
                elif found.end() < end:
                    self._seen = found.end() + 1  # whatever is escaped
                else:
                    self._seen = found.start()  # what is escaped has not come yet
                    return
                continue
            found = _OUTSIDE.search(self._data, self._seen)
            if found is None:
                self._seen = end
                return
            self._seen = found.end()
            self._in_text = found[0] == b'"'
            self._depth += {b"{": 1, b"}": -1}.get(found[0], 0)
            if self._depth > limits.IPC_DEPTH:
                raise IpcRefused(words="Invalid JSON: it is nested too deeply")
            if self._depth == 0 and found[0] == b"}":
                self.complete = True
                return
