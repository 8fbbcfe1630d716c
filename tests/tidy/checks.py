"""The rules of the source, as functions from a text to its violations.

Rules kept here: a check takes source and gives sentences, so that every one can be tried on a planted violation;
what is exempt stands in a list with its reason, and an exemption that nothing needs any more is a violation too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

MODULE_MOST_LINES = 600
FUNCTION_MOST_LINES = 70
NUMBER_MOST = 1_000

Function = ast.FunctionDef | ast.AsyncFunctionDef

# What the pure core may import besides itself, `limits` and `errors`: module, and which of its names.
CORE_IMPORTS: dict[str, tuple[str, ...]] = {
    "__future__": ("annotations",),
    "_blake2": ("blake2b",),
    "time": ("gmtime", "strftime"),
}
# Only inside a function: an answer to a mistake, a name with accents.
CORE_LATE_IMPORTS = {"difflib": ("get_close_matches",), "unicodedata": ("combining", "normalize")}
_CORE_LAYERS = ("telex.core", "telex.limits", "telex.errors", "telex.errors.between", "telex")
_IMPURE_CALLS = ("open", "print", "input", "exec", "eval", "__import__")

_SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH|CREATE|DROP|ALTER)\s+\S")
_SQL_METHODS = ("execute", "executemany")

_QUERY = re.compile(r"[a-z]+\.[a-z_]+[a-z]")
_QUERY_PART = re.compile(r"[a-z_.]{1,60}")

_NETWORK = ("socket", "ssl", "http", "urllib", "ftplib", "smtplib", "asyncio", "socketserver", "xmlrpc", "telnetlib")

_PROGRAMS = ("TELEX", "sys.executable")

_UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")


def long_module(text: str) -> list[str]:
    """A module of more than 600 lines."""
    count = len(text.splitlines())
    return [f"{count} lines; the most is {MODULE_MOST_LINES}"] if count > MODULE_MOST_LINES else []


def function_lengths(text: str) -> list[tuple[str, int]]:
    """Every function with its length in lines, decorators left out."""
    return [(node.name, _length(node)) for node in _functions(ast.parse(text))]


def long_functions(text: str) -> list[str]:
    """Functions of more than 70 lines."""
    return [
        f"{name} has {count} lines; the most is {FUNCTION_MOST_LINES}"
        for name, count in function_lengths(text)
        if count > FUNCTION_MOST_LINES
    ]


def undocumented(text: str) -> list[str]:
    """A module, public class, function or method without a docstring."""
    tree = ast.parse(text)
    found = [] if ast.get_docstring(tree) else ["the module has no docstring"]
    holders: list[ast.Module | ast.ClassDef] = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]
    for holder in holders:
        for node in holder.body:
            if not isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            private = node.name.startswith("_") or (isinstance(holder, ast.ClassDef) and holder.name.startswith("_"))
            if not private and not ast.get_docstring(node):
                found.append(f"line {node.lineno}: {node.name} has no docstring")
    return found


def impure(text: str) -> list[str]:
    """What a module of the core may not do: import anything that reaches outside, or call what does."""
    tree = ast.parse(text)
    found = []
    for node, late in _imports(tree):
        for module, name in _imported(node):
            if not _pure_import(module, name, late):
                found.append(f"line {node.lineno}: imports {module}{'.' + name if name else ''}")
    for one in ast.walk(tree):
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id in _IMPURE_CALLS:
            found.append(f"line {one.lineno}: calls {one.func.id}")
        if isinstance(one, ast.Attribute) and ast.unparse(one.value) == "time" and one.attr not in CORE_IMPORTS["time"]:
            found.append(f"line {one.lineno}: uses time.{one.attr}")
    return found


def _pure_import(module: str, name: str, late: bool) -> bool:
    if module in _CORE_LAYERS or module.startswith("telex.core."):
        return module != "telex" or name in ("limits", "errors", "core")
    allowed = {**CORE_IMPORTS, **(CORE_LATE_IMPORTS if late else {})}
    return module in allowed and (not name or name in allowed[module])


def imports_anything(text: str) -> list[str]:
    """`limits` and `errors` import nothing, so that everything may import them."""
    return [
        f"line {node.lineno}: imports {module}"
        for node, _ in _imports(ast.parse(text))
        for module, _name in _imported(node)
        if module != "__future__"
    ]


def sql_in_python(text: str) -> list[str]:
    """SQL statements written in Python; transactions and PRAGMAs are not statements of ours."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL.match(node.value):
            words = " ".join(node.value.split())
            found.append(f"line {node.lineno}: {words[:60]}")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _SQL_METHODS:
            argument = node.args[0] if node.args else None
            if isinstance(argument, ast.BinOp):
                found.append(f"line {node.lineno}: {node.func.attr} of text put together")
    return found


def large_numbers(text: str) -> list[str]:
    """Bare numbers over 1,000, which belong into limits.py; marks and character codes are written in hexadecimal."""
    found = []
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and node.value > NUMBER_MOST:
            written = lines[node.lineno - 1][node.col_offset : node.end_col_offset]
            if not written.lower().startswith(("0x", "0o", "0b")):
                found.append(f"line {node.lineno}: {written}")
    return found


def error_classes(text: str) -> list[str]:
    """Exception classes, all of which belong into errors."""
    found = []
    tree = ast.parse(text)
    ours = {
        alias.asname or alias.name
        for node, _ in _imports(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("telex.errors")
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            bases = [ast.unparse(base).rpartition(".")[2] for base in node.bases]
            if any(base in ours or base.endswith(("Error", "Exception", "Interrupt")) for base in bases):
                found.append(f"line {node.lineno}: class {node.name}")
    return found


def unfinished(text: str) -> list[str]:
    """Marks of work that was left for later."""
    return [f"line {number}: {line.strip()[:60]}" for number, line in _lines(text) if _UNFINISHED.search(line)]


def odd_characters(text: str) -> list[str]:
    """Control characters, tabs and carriage returns."""
    return [
        f"line {number}: U+{ord(char):04X}"
        for number, line in _lines(text)
        for char in line
        if char == "\x7f" or ord(char) < 32
    ]


def prints(text: str) -> list[str]:
    """Calls of print; what people read goes through cli/output.py."""
    return [
        f"line {node.lineno}: print"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]


def reaches_network(text: str) -> list[str]:
    """Imports of anything that speaks over a network."""
    return [
        f"line {node.lineno}: imports {module}"
        for node, _ in _imports(ast.parse(text))
        for module, _name in _imported(node)
        if module.partition(".")[0] in _NETWORK
    ]


def open_directories(text: str) -> list[str]:
    """A directory that is made with a mode of its own: `os.makedirs` gives it to the last one only."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    makes = [one for one in calls if isinstance(one.func, ast.Attribute) and one.func.attr in ("makedirs", "mkdir")]
    return [
        f"line {one.lineno} makes a private directory; telex.private does that"
        for one in makes
        if len(one.args) > 1 or any(word.arg == "mode" for word in one.keywords)
    ]


def unescaped_exits(text: str) -> list[str]:
    """What leaves a process beside the functions that make foreign text safe: a write to a standard stream, JSON that
    keeps its characters as they are."""
    calls = [one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.Call)]
    safe = {id(part) for one in calls if _called(one) == "escaped" for part in ast.walk(one)}
    found = []
    for node in calls:
        if _called(node) in ("write", "writelines") and ast.unparse(node.func).startswith(
            ("sys.std", "stdout", "stderr")
        ):
            found.append(f"line {node.lineno} writes to a standard stream; telex.cli.output does that")
        raw = any(word.arg == "ensure_ascii" and ast.unparse(word.value) == "False" for word in node.keywords)
        if (raw or _called(node) == "model_dump_json") and id(node) not in safe:
            found.append(f"line {node.lineno} makes JSON that telex.core.text.escaped does not see")
    return found


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def second_sqlite(text: str) -> list[str]:
    """Anything that would bring a second SQLite library into the process."""
    return [
        f"line {node.lineno}: imports {module}"
        for node, _ in _imports(ast.parse(text))
        for module, _name in _imported(node)
        if module.partition(".")[0] in ("sqlite3", "_sqlite3", "pysqlite3")
    ]


def builds_adapters(text: str) -> list[str]:
    """Calls that construct a store or open its file."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name == "Store" or name.endswith((".Store", "apsw.Connection")):
                found.append(f"line {node.lineno}: {name}()")
    return found


def machine_paths(text: str, paths: list[str]) -> list[str]:
    """Paths and hosts of the machine that this was written on; the end of a longer path is another path."""
    whole = [(path, re.compile(rf"(?<![\w.}})~*$-]){re.escape(path)}(?![\w-])")) for path in paths]
    return [f"line {number}: {path}" for number, line in _lines(text) for path, found in whole if found.search(line)]


def unquoted_programs(text: str) -> list[str]:
    """A shell line with the path of a program in it as it is: in a path with a space it is two words."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, after in zip(node.values, [*node.values[1:], None], strict=True):
            program = isinstance(value, ast.FormattedValue) and ast.unparse(value.value) in _PROGRAMS
            if program and isinstance(after, ast.Constant) and str(after.value).startswith((" ", ";", "&", "|")):
                found.append(f"line {node.lineno}: {ast.unparse(node)[:60]}")
    return found


def unheld_ports(text: str) -> list[str]:
    """Asking the system for any port: it is another's by the time that a program binds it."""
    return [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "bind"
        for argument in node.args
        if isinstance(argument, ast.Tuple) and ast.unparse(argument.elts[-1]) == "0"
    ]


def query_names(text: str, prefix: str) -> list[str]:
    """The names of the queries in a .sql file."""
    heads = [line.removeprefix("-- :") for line in text.splitlines() if line.startswith("-- :")]
    return [f"{prefix}.{head.split()[0]}" for head in heads]


def queries_asked(text: str) -> set[str]:
    """The names of queries written as the first word of a call that asks for one."""
    return {
        node.args[0].value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in ("rows", "row", "value", "run", "query")
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def queries_used(text: str) -> set[str]:
    """The names of queries that a module may ask for: written out, or put together from words it holds."""
    tree = ast.parse(text)
    held = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and type(node.value) is str}
    held = {one for one in held if _QUERY_PART.fullmatch(one)}
    patterns = {pattern for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) if (pattern := _pattern(node))}
    for _ in range(2):  # save_address_backwards is put together in two steps
        held |= {pattern.replace("*", one) for pattern in patterns for one in held}
    return {one for one in held if _QUERY.fullmatch(one)}


def _pattern(node: ast.JoinedStr) -> str:
    """`doctor.*` for f"doctor.{name}"; '' for what cannot name a query."""
    parts = [str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values]
    written = "".join(parts)
    literal = written.replace("*", "")
    return written if parts.count("*") == 1 and literal and _QUERY_PART.fullmatch(literal) else ""


def words(text: str) -> set[str]:
    """Every name and attribute used in a module."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.name for alias in node.names}
    return found


def _lines(text: str) -> Iterator[tuple[int, str]]:
    return enumerate(text.split("\n"), 1)


def _length(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _functions(tree: ast.AST) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def _imports(tree: ast.Module) -> list[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Import statements that run, and whether they run late; those for type checking only are left out."""
    found: list[tuple[ast.Import | ast.ImportFrom, bool]] = []

    def look(body: list[ast.stmt], late: bool) -> None:
        for node in body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                found.append((node, late))
            elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                look(node.orelse, late)
            else:
                inner = late or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
                for part in ("body", "orelse", "finalbody"):
                    look(getattr(node, part, []), inner)
                for handler in getattr(node, "handlers", []):
                    look(handler.body, inner)

    look(tree.body, False)
    return found


def _imported(node: ast.Import | ast.ImportFrom) -> list[tuple[str, str]]:
    """(module, name) pairs; the name is '' for a plain import."""
    if isinstance(node, ast.Import):
        return [(alias.name, "") for alias in node.names]
    return [(node.module or "", alias.name) for alias in node.names]
