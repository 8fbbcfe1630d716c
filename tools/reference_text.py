"""Reading telex's own source, and writing markdown: what the reference pages are made with."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "telex"

_MARK = "<!-- Written by tools/reference.py from src/telex. Do not edit: run 'make docs'. -->"

# --- reading the code -------------------------------------------------------------------------------------


def source(path: str) -> str:
    """The text of a module of telex."""
    return (PACKAGE / path).read_text(encoding="utf-8")


def comments(text: str) -> dict[int, str]:
    """Line number to the comment at its end, or on it alone, without the '# '."""
    found = {}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            found[token.start[0]] = token.string.removeprefix("#").strip()
    return found


def class_named(text: str, name: str) -> ast.ClassDef:
    """A class of a module."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return node
    raise LookupError(name)


def fields(path: str, name: str) -> list[tuple[str, str, str]]:
    """(field, type, comment) of a record."""
    text = source(path)
    said = comments(text)
    return [
        (node.target.id, ast.unparse(node.annotation), said.get(node.lineno, ""))
        for node in class_named(text, name).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and not node.target.id.startswith("_")
    ]


def docstring(node: ast.AST) -> str:
    """The docstring of a class or function."""
    assert isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.Module))
    return ast.get_docstring(node) or ""


def signature(text: str, node: ast.FunctionDef) -> str:
    """How a function is called, as it is written in the code, without `def` and `self`."""
    lines = text.splitlines()[node.lineno - 1 : node.body[0].lineno - 1]
    margin = len(lines[0]) - len(lines[0].lstrip())
    written = "\n".join(line[margin:] for line in lines).rstrip().removesuffix(":")
    return re.sub(r"\(\s*self,?\s*", "(" if "\n" not in written else "(\n    ", written, count=1).removeprefix("def ")


# --- writing markdown -------------------------------------------------------------------------------------


def cell(text: object) -> str:
    """A text that may stand in a table."""
    return " ".join(str(text).replace("|", "\\|").replace("<", "&lt;").split())


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A markdown table."""
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def code(text: str) -> str:
    """A word in code style that may stand in a table."""
    return f"`{' '.join(text.split())}`".replace("|", "\\|") if text else ""


def page(title: str, *parts: str) -> str:
    """A whole page."""
    return "\n\n".join([_MARK, f"# {title}", *(part.strip("\n") for part in parts if part)]) + "\n"
