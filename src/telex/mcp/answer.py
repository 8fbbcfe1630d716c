"""What a tool answers, and what is still to be recorded once the answer has left."""

from __future__ import annotations

from typing import Protocol

from telex.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Finisher(Protocol):
    """What still has to be recorded: `finish(True)` once the answer has left, `finish(False)` where it did not."""

    def finish(self, took: bool, /) -> None:
        """Record it, on the thread that owns the bus."""


class Answer(Record):
    """What a tool says: as text for the model, as a value for programs."""

    text: str
    structured: dict[str, Any] | None = None
    is_error: bool = False
    taking: Finisher | None = None
