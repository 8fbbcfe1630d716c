"""What the command line prints: lines for agents and pipes, tables on a terminal, JSON where asked.

Rules kept here: whatever leaves passes through `core.text` here, as text or as JSON, whoever wrote it, and nothing
else in this package writes to a standard stream; a table and colour only on a terminal (and not with NO_COLOR or
TERM=dumb); errors go to standard error, in JSON too with `--json`; what is flushed without an error has left this
process; what was done before the output failed is never told as a failure.
"""

from __future__ import annotations

import sys

from telex.core.record import Record
from telex.errors import TelexError
from telex.errors.answers import Unwritten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Output:
    """Where one command's answer goes."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.settled = ""  # what is done, whether the answer can be written or not

    def line(self, words: str = "") -> None:
        """One line, or several, on standard output. Raises Unwritten when nobody takes it."""
        self._write(_visible(words))

    def _write(self, words: str) -> None:
        try:
            sys.stdout.write(words + "\n")
        except OSError as problem:
            raise Unwritten(problem, self.settled) from None

    def flush(self) -> None:
        """Hand everything over. Raises Unwritten when nobody takes it."""
        try:
            sys.stdout.flush()
        except OSError as problem:
            raise Unwritten(problem, self.settled) from None

    def json(self, value: Any) -> None:
        """One JSON value on a line."""
        self._write(_json(shape(value)))

    def table(self, heads: list[str], rows: list[list[str]]) -> None:
        """Rows under heads: a table on a terminal, else aligned columns without heads of their own colour."""
        from telex.core import text

        rows = [[text.visible(cell) for cell in row] for row in rows]
        if sys.stdout.isatty():
            self._rich_table(heads, rows)
            return
        widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
        for row in [heads, *rows]:
            self.line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def _rich_table(self, heads: list[str], rows: list[list[str]]) -> None:
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for number, head in enumerate(heads):
            made.add_column(head, overflow="fold", no_wrap=number == 0)
        for row in rows:
            made.add_row(*(Text(cell) for cell in row))
        Console().print(made)


def remark(words: str, *, end: str = "\n") -> None:
    """A word beside the answer, or a question, on standard error; lost where nobody takes it."""
    try:
        sys.stderr.write(_visible(words) + end)
        sys.stderr.flush()
    except OSError:
        pass


def _visible(words: str) -> str:
    if words.isascii() and words.isprintable():
        return words
    from telex.core import text

    return "\n".join([text.visible(line, tabs=True) for line in words.split("\n")])


def _json(value: Any) -> str:
    import json

    from telex.core import text

    return text.escaped(json.dumps(value, ensure_ascii=False))


def shape(value: Any) -> Any:
    """A record as JSON shows it; a message's data as the object that it is."""
    if isinstance(value, Record):
        return {name: _data(name, getattr(value, name)) for name in type(value).fields()}
    if isinstance(value, (list, tuple)):
        return [shape(one) for one in value]
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    return value


def _data(name: str, value: Any) -> Any:
    if name == "data" and isinstance(value, str):
        import json

        return json.loads(value) if value else None
    return shape(value)


def complain(problem: TelexError, as_json: bool) -> int:
    """Print an error where errors go, if that can be done; the exit status."""
    try:
        sys.stderr.write(_complaint(problem, as_json))
        sys.stderr.flush()
    except OSError:
        pass
    return problem.status


def _complaint(problem: TelexError, as_json: bool) -> str:
    if as_json:
        return _json({"error": problem.as_dict()}) + "\n"
    try:
        from telex.core import text

        said, advice = text.visible(problem.message), text.visible(problem.advice)
    except (OSError, ImportError):  # no file can be opened any more
        said, advice = ascii(problem.message)[1:-1], ascii(problem.advice)[1:-1]
    lines = [f"telex: {said}", *([f"hint: {advice}"] if advice else [])]
    return "\n".join(lines) + "\n"
