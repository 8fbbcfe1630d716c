"""Writes docs/reference/*.md from the code, so that they cannot say anything else.

`python tools/reference.py` writes the pages; with `--check` it names those that are stale and ends with 1.

Rules kept here: every page is a function without arguments that returns text; the same code gives the same
text, byte for byte; what a page says is read from a table, a docstring or a comment in src/telex, except the
introductions and `reference_answers`, which tests/docs/test_json.py holds against what the commands really print.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools import reference_clients, reference_mcp  # noqa: E402
from tools.reference_answers import ANSWERS, NOTES, RECORDS  # noqa: E402
from tools.reference_text import (  # noqa: E402
    PACKAGE,
    cell,
    class_named,
    code,
    comments,
    docstring,
    fields,
    page,
    signature,
    source,
    table,
)

from telex import config, errors, limits  # noqa: E402
from telex.cli import grammar, legacy, persons  # noqa: E402
from telex.core import delivery  # noqa: E402
from telex.errors import answers, between  # noqa: E402
from telex.errors import settings as of_settings  # noqa: E402

__all__ = ["ANSWERS", "PACKAGE", "RECORDS", "cell", "code", "fields"]  # for the tests, beside what is defined here

FOLDER = ROOT / "docs" / "reference"

_STATUSES = {
    0: "done",
    1: "anything else: this machine, or telex itself",
    2: "wrong words",
    3: "refused by a limit or a policy",
    4: "not found",
    5: "nothing before the timeout",
    6: "`telex ask`: who was asked asks first; its request was printed",
    7: "done, but the answer could not be written: do not do it again",
    127: "`telex run`: the command could not be started; otherwise its status is the command's own",
    130: "interrupted",
    141: "the reader of the output left (a closed pipe); mail that was not taken stays unread",
}

_PYTHON_RECORDS = ("Sent", "Outcome", "Letter", "Shown", "Receipt", "Presence", "Channel")


# --- the pages --------------------------------------------------------------------------------------------


def commands() -> str:
    """Every command with its words, options and an example."""
    intro = (
        "Every command takes `--json` (see [json.md](json.md)) and `--help`. Options may stand anywhere among the "
        "words; `--` ends them. In a shell, quote a channel (`'#release'`): an unquoted `#` begins a comment."
    )
    statuses = table(["exit status", "means"], [[str(number), words] for number, words in _STATUSES.items()])
    parts = [_command(verb) for verb in grammar.VERBS]
    index = " · ".join(f"[{verb.name}](#{anchor(verb.name)})" for verb in grammar.VERBS)
    return page("Commands", intro, statuses, index, *parts)


def anchor(verb: str) -> str:
    """Where a command's entry begins on its page."""
    return f"telex-{verb.replace(' ', '-')}"


def _command(verb: grammar.Verb) -> str:
    rows = [[code(word.name.upper() + ("…" if word.many else "")), cell(word.meaning)] for word in verb.words]
    rows += [
        [code(f"--{option.name}{' ' + option.value if option.value else ''}"), cell(option.meaning)]
        for option in (*verb.options, grammar.JSON)
    ]
    usage = f"```text\n{verb.usage()}\n```"
    example = f"```sh\n{verb.example}\n```"
    about = f"{verb.summary}.{_persons(verb)}"
    return "\n\n".join([f"## telex {verb.name}", about, usage, table(["word", "meaning"], rows), example])


def _persons(verb: grammar.Verb) -> str:
    """What is said of a command that an agent may not run."""
    found = persons.BY_COMMAND.get(verb.name, [])
    if not found:
        return ""
    words = {word.name: code(word.name.upper()) for word in verb.words}
    only = " or ".join(words.get(word) or code(f"--{word.replace('=', ' ')}") for one in found for word in one.only)
    return f" The person's alone{f' with {only}' if only else ''}: an agent is refused."


def older_commands() -> str:
    """The commands of the older systems, form by form."""
    intro = (
        "What users of coop, kei and claude-ipc know, said to telex: `telex alias coop` (or `kei`, `ipc`) puts the old "
        "command itself on the path. How to move: [from coop](../how-to/from-coop.md), "
        "[from kei](../how-to/from-kei.md), [from claude-ipc](../how-to/from-claude-ipc.md)."
    )
    parts = []
    for face in legacy.FACES:
        also = ", also ".join(code(f"telex {name}") for name in face.names[1:])
        rows = [[code(form), cell(meaning)] for form, meaning in face.forms]
        parts += [
            f"## telex {face.names[0]}",
            f"{face.summary[0].upper()}{face.summary[1:]}.{f' Also {also}.' if also else ''}",
            table(["form", "meaning"], rows),
            f"```sh\n{face.example}\n```",
        ]
    return page("Commands of older systems", intro, *parts)


def settings() -> str:
    """Every setting with its bounds."""
    intro = (
        "`telex config` shows the values in force and where each came from; `telex config NAME VALUE` stores one, "
        "`telex config NAME default` takes it back. A variable in the environment goes before the store, but where "
        "an agent runs telex, in hooks and in the link it counts only if it is stricter; to a list it then only adds. "
        "A value out of bounds is refused when it is stored, and passed over in the environment."
    )
    rows = [
        [
            code(one.name),
            f"{one.default:,}",
            f"{one.least:,} to {one.most:,}",
            one.stricter,
            code(config.variable(one.name)),
            cell(one.meaning),
        ]
        for one in config.SETTINGS
    ]
    lists = [
        [code(one.name), code(config.variable(one.name)), cell(one.meaning), code(one.default)] for one in config.LISTS
    ]
    heads = ["setting", "default", "bounds", "stricter", "variable", "meaning"]
    others = table(
        ["variable", "meaning"],
        [
            ["`TELEX_HOME`", "the directory of the store; `~/.telex` without it"],
            ["`TELEX_NAME`", "the name that a session or a script would like to have"],
            ["`TELEX_DEBUG`", "anything: print the trace of a fault of telex itself"],
            ["`NO_COLOR`", "anything: tables without colour"],
        ],
    )
    words = table(["setting", "variable", "meaning", "default"], lists)
    about = (
        f"A list of words with `:` between them, at most {limits.SETTING_CHARS:,} characters. `*` stands for any "
        "characters, `~` at the beginning for your home; a word that fits nothing, such as `none`, empties the list."
    )
    return page("Settings", intro, table(heads, rows), "## Lists", about, words, "## Other variables", others)


def error_families() -> list[type[errors.TelexError]]:
    """Every error that has a code of its own, in the order of the catalogue."""
    found = [
        one
        for one in (vars(errors) | vars(between) | vars(answers) | vars(of_settings)).values()
        if isinstance(one, type) and issubclass(one, errors.TelexError)
    ]
    return [one for one in found if "code" in vars(one) and one is not errors.TelexError]


def error_page() -> str:
    """Every error with its exit status, sentence and hint."""
    intro = (
        "An error is a line on standard error, `telex: WHAT HAPPENED`, and one that says what to do next, "
        '`hint: …`; with `--json` it is `{"error": {"code", "message", "hint", "status"}}`, on standard '
        "error too. In Python it is a `telex.TelexError` with `code`, `message`, `advice`, `status` and `facts`. "
        "What stands in braces is filled in."
    )
    parts = []
    for status in sorted({one.status for one in error_families()}):
        parts.append(f"## Exit status {status}: {_STATUSES[status]}")
        for one in error_families():
            if one.status == status:
                said = (one.__doc__ or "").strip()
                lines = f"telex: {_unescaped(one.text)}" + (f"\nhint: {_unescaped(one.hint)}" if one.hint else "")
                parts.append(f"### {one.code}\n\n{said} `{one.__name__}`\n\n```text\n{lines}\n```")
    return page("Errors", intro, *parts)


def _unescaped(template: str) -> str:
    return template.replace("{{", "{").replace("}}", "}")


def limit_page() -> str:
    """Every number of limits.py."""
    intro = (
        "Every number that decides what telex does. The unit is the last word of a name. Those with a setting can be "
        "changed: see [settings.md](settings.md)."
    )
    text = source("limits.py")
    said = comments(text)
    assigned = {node.lineno: node for node in ast.parse(text).body if isinstance(node, ast.Assign)}
    parts: list[str] = []
    rows: list[list[str]] = []
    for number in range(1, len(text.splitlines()) + 1):
        if node := assigned.get(number):
            assert isinstance(node.targets[0], ast.Name)
            rows.append(_limit(node.targets[0].id, said.get(number, "")))
        elif number in said:
            parts += _limit_table(rows)
            parts.append(f"## {said[number].capitalize()}")
            rows = []
    return page("Limits", intro, *parts, *_limit_table(rows))


def _limit(name: str, comment: str) -> list[str]:
    setting = next((one for one in config.SETTINGS if one.name == name.lower()), None)
    return [code(name), f"{getattr(limits, name):,}", code(setting.name) if setting else "", cell(comment)]


def _limit_table(rows: list[list[str]]) -> list[str]:
    return [table(["limit", "value", "setting", "meaning"], rows)] if rows else []


def python_api() -> str:
    """`telex.open`, the methods of Bus, and the records they return."""
    intro = (
        '```python\nimport telex\n\nwith telex.open(name="reporter") as bus:\n'
        '    sent = bus.send("@reviewer", "the build is green")\n    print(sent.id, sent.recipients[0].note)\n```\n\n'
        "The command line is a thin face over these methods. Times are milliseconds since 1970, UTC; "
        "spans are seconds; 0 and '' stand for 'none'. Errors are on [their own page](errors.md). How to "
        "use it from scripts: [scripts and CI](../how-to/scripts-and-ci.md)."
    )
    text = source("wiring.py")
    opener = next(
        node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == "open_bus"
    )
    parts = [
        "## telex.open",
        _python(signature(text, opener).replace("open_bus(", "telex.open(", 1)),
        docstring(opener),
    ]
    text = source("bus/__init__.py")
    bus = class_named(text, "Bus")
    parts += ["## Bus", docstring(bus)]
    for node in bus.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            attribute = any(ast.unparse(one) == "property" for one in node.decorator_list)
            shown = f"bus.{node.name}" if attribute else f"bus.{signature(text, node)}"
            parts += [f"### {node.name}", _python(shown), docstring(node)]
    parts += ["## Records", "Fields are attributes; `as_dict()` gives a plain dict."]
    for name in _PYTHON_RECORDS:
        parts += [f"### {name}", _record(name, python=True)]
    return page("Python", intro, *parts)


def _python(text: str) -> str:
    return f"```text\n{text}\n```"


def _record(name: str, *, python: bool) -> str:
    path = RECORDS[name]
    about = docstring(class_named(source(path), name))
    rows = [
        [code(field), cell(kind), cell(comment)] if python else [code(field), *_json_type(field, kind, comment)]
        for field, kind, comment in fields(path, name)
    ]
    return f"{about}\n\n{table(['field', 'type', 'meaning'], rows)}"


def _json_type(field: str, kind: str, comment: str) -> list[str]:
    """The type and the meaning of a field as JSON shows it."""
    if field == "data":
        return ["object or null", ""]
    inner = kind.removeprefix("list[").removesuffix("]")
    word = {"str": "text", "int": "number", "bool": "true or false"}.get(inner, f"[{inner}](#{inner.lower()})")
    return [cell(f"list of {word}" if kind.startswith("list[") else word), cell(comment)]


def json_page() -> str:
    """What every command prints with --json."""
    intro = (
        "With `--json` a command prints one object on one line of standard output. Fields are added between releases, "
        "never removed or given another meaning; pass over those you do not know. Times are milliseconds since 1970, "
        "UTC; 0 and \"\" stand for 'none'."
    )
    rows = [[f"[{verb.name}](commands.md#{anchor(verb.name)})", _answer(verb.name)] for verb in grammar.VERBS]
    parts = [table(["command", "prints"], rows)]
    for name in RECORDS:
        parts += [f"## {name}", _record(name, python=False)]
    parts += ["## Setting", "A setting with the value in force.", _plain(setting_fields())]
    exported = exported_fields()
    parts += ["## Exported", "One message with all that it means and what became of it.", _plain(exported)]
    return page("JSON", intro, *parts)


def _answer(verb: str) -> str:
    shape = ANSWERS[verb]
    if isinstance(shape, str):
        words = f"[{shape}](#{shape.lower()})"
    else:
        words = ", ".join(f"`{name}` ({_linked(kind)})" for name, kind in shape.items())
    return f"{words}. {NOTES[verb]}" if verb in NOTES else words


def _linked(kind: str) -> str:
    bare = kind.strip("[]")
    word = f"[{bare}](#{bare.lower()})" if bare in RECORDS or bare in ("Setting", "Exported") else bare
    return f"list of {word}" if kind.startswith("[") else word


def _plain(names: tuple[str, ...]) -> str:
    return "Fields: " + ", ".join(code(name) for name in names) + "."


def exported_fields() -> tuple[str, ...]:
    """The keys of an exported message, from the one place that writes them."""
    return _keys("bus/archive.py", "_record")


def setting_fields() -> tuple[str, ...]:
    """The keys of a setting, from the one place that writes them."""
    return _keys("cli/data.py", "config")


def _keys(path: str, function: str) -> tuple[str, ...]:
    """The keys of the first object that a function makes."""
    tree = ast.parse(source(path))
    writer = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == function)
    made = next(node for node in ast.walk(writer) if isinstance(node, ast.Dict))
    return tuple(key.value for key in made.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def state_meanings() -> dict[str, str]:
    """What each state means, from the head of core/delivery.py."""
    found = {}
    for line in docstring(ast.parse(source("core/delivery.py"))).splitlines():
        word, _, meaning = line.strip().partition(" ")
        if line.startswith("    ") and word in delivery.STATES:
            found[word] = meaning.strip()
    return found


def delivery_states() -> str:
    """The states of a delivery and the moves between them, drawn from core/delivery.py."""
    intro = (
        "What can become of one message at one recipient. `telex show ID` prints the state of every delivery, since "
        "when, and why. Both drawings are made from the table that the code obeys."
    )
    arrows = [f"    [*] --> {delivery.QUEUED}", f"    [*] --> {delivery.REFUSED}"]
    arrows += [f"    {state} --> {to}" for state, moves in delivery.MOVES.items() for to in moves if to != state]
    arrows += [f"    {state} --> [*]" for state in delivery.CLOSED]
    drawing = "```mermaid\nstateDiagram-v2\n" + "\n".join(arrows) + "\n```"
    meanings = state_meanings()
    rows = [
        [
            code(state),
            cell(meanings[state]),
            ", ".join(code(to) for to in moves if to != state) or "nothing: it is closed",
        ]
        for state, moves in delivery.MOVES.items()
    ]
    again = ", ".join(code(state) for state, moves in delivery.MOVES.items() if state in moves)
    return page(
        "Delivery states",
        intro,
        drawing,
        table(["state", "meaning", "may become"], rows),
        f"Asking for the state that a delivery has already changes nothing and is no error for {again}.",
    )


def store_schema() -> str:
    """The tables of the store, from schema/*.sql."""
    intro = (
        f"The store is one SQLite database, `telex.db`, at schema {limits.SCHEMA_VERSION} (`PRAGMA user_version`). "
        "It is not an interface: it changes with migrations, and only telex may open it while sessions run "
        "([why](../architecture.md)). Use [export](commands.md#telex-export) to read your mail by other means. "
        "Times are milliseconds since 1970, UTC; booleans are 0 and 1; 0 stands for 'none'."
    )
    parts = []
    for path in sorted((PACKAGE / "db" / "schema").glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        about, _, statements = text.partition("\n\n")
        parts += [f"## {path.name}", _comment(about.splitlines()), *_schema_tables(statements)]
        indexes = re.findall(r"CREATE (UNIQUE )?INDEX (\w+) ON (\w+) (.+?);", text)
        rows = [[code(name), code(of), code(on), "unique" if unique else ""] for unique, name, of, on in indexes]
        parts += ["### Indexes", table(["index", "of", "on", ""], rows)] if rows else []
    return page("Store schema", intro, *parts)


def _schema_tables(statements: str) -> list[str]:
    """Each table with the comment above it and its columns."""
    parts: list[str] = []
    above: list[str] = []
    rows: list[list[str]] | None = None
    for line in statements.splitlines():
        if line.startswith("--"):
            above.append(line)
        elif line.startswith("CREATE VIRTUAL TABLE"):
            parts += [f"### {line.split()[3]}", _comment(above), f"```sql\n{line}\n```"]
        elif line.startswith("CREATE TABLE"):
            parts += [f"### {line.split()[2]}", _comment(above)]
            rows = []
        elif line.startswith(")") and rows is not None:
            parts.append(table(["column", "type", "meaning"], rows))
            rows = None
        elif rows is not None:
            rows += _column(line)
        if not line.startswith("--"):
            above = []
    return parts


def _comment(lines: list[str]) -> str:
    return " ".join(line.removeprefix("--").strip() for line in lines)


def _column(line: str) -> list[list[str]]:
    declared, _, comment = line.strip().partition("--")
    column, _, kind = declared.strip().rstrip(",").partition(" ")
    return [[code(column), cell(kind), cell(comment)]] if column.islower() else []


def hook_events() -> str:
    """The lines that install writes for Claude Code, and what each does."""
    from telex.clients import types
    from telex.clients.adapters import claude
    from telex.clients.launcher import gate

    where = types.Where(
        scope=types.USER,
        user_home="/home/you",
        project_dir="",
        home="/home/you/.telex",
        hook="/home/you/.telex/bin/hook.py",
    )
    pieces = [piece for piece in claude.CLIENT.pieces(where) if isinstance(piece, types.HookFile)]
    about = _gates(source("clients/adapters/claude.py"), source("clients/launcher/gate.py"))
    rows: list[list[str]] = []
    lines: list[str] = []
    for entry in (one for piece in pieces for one in piece.entries):
        for handler in entry.group["hooks"]:
            gates = about.get(entry.event, [])
            words = gates[sum(row[0] == code(entry.event) for row in rows)] if gates else "-"
            status = "lets the hook's 2 through, which wakes the session" if handler.get("asyncRewake") else "always 0"
            only = f", of `{entry.group['matcher']}`" if "matcher" in entry.group else ""
            rows.append([code(entry.event) + only, cell(words), f"{handler['timeout']} s", status])
            lines.append(f"### {entry.event}\n\n```sh\n{handler['command']}\n```")
    assert gate.written_for(pieces[0].entries[0].group["hooks"][0]["command"]) == "claude"
    intro = (
        "What `telex install claude` writes into `settings.json` where telex's home is `~/.telex`: the same bytes on "
        "every machine. What each "
        "moment does is told in [Claude Code](../clients/claude.md). Lines end before any interpreter is started "
        "while nothing waits; `$T` is the home, `$S` the session, `$P` the first "
        "interpreter of the list that stands in `$B`."
    )
    keys = re.findall(r"'\$\.(\w+)'", source("db/sql/hook.sql").partition("-- :payload")[2].partition("-- :")[0])
    names = fields("hook/payloads.py", "Payload")
    payload = [[code(key), code(field), cell(comment)] for key, (field, _, comment) in zip(keys, names, strict=True)]
    return page(
        "Hook events",
        intro,
        table(["event", "the line", "timeout", "exit status"], rows),
        "## What is read of the payload",
        table(["field", "in the code", "meaning"], payload),
        "## The lines",
        *lines,
    )


def _gates(adapter: str, gate: str) -> dict[str, list[str]]:
    """Event to what its lines do: the docstrings of the methods of Gate that write them."""
    told = {
        node.name: docstring(node).split("\n\n", maxsplit=1)[0]
        for node in class_named(gate, "Gate").body
        if isinstance(node, ast.FunctionDef)
    }
    found: dict[str, list[str]] = {}
    for node in ast.walk(ast.parse(adapter)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "_entry":
            event, line = node.args[0], node.args[1]
            if isinstance(event, ast.Constant) and isinstance(line, ast.Call) and isinstance(line.func, ast.Attribute):
                found.setdefault(str(event.value), []).append(told[line.func.attr])
    return found


def relay_api() -> str:
    """The relay's OpenAPI document, as it serves it."""
    import json

    from telex.relay.openapi import document

    return json.dumps(document(), indent=1, sort_keys=True) + "\n"


PAGES = {
    "clients.md": reference_clients.clients,
    "relay-openapi.json": relay_api,
    "mcp.md": reference_mcp.mcp,
    "commands.md": commands,
    "settings.md": settings,
    "errors.md": error_page,
    "limits.md": limit_page,
    "python-api.md": python_api,
    "json.md": json_page,
    "delivery-states.md": delivery_states,
    "older-commands.md": older_commands,
    "store-schema.md": store_schema,
    "hook-events.md": hook_events,
}


def stale(folder: Path) -> list[str]:
    """The pages that are not what the code says, those that are missing, and those that nothing writes."""
    found = []
    for name, write in PAGES.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != write():
            found.append(name)
    return found + sorted(path.name for path in folder.glob("*") if path.name not in PAGES)


def write_all(folder: Path) -> None:
    """Write every page."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, write in PAGES.items():
        (folder / name).write_text(write(), encoding="utf-8")


def main(words: list[str], folder: Path = FOLDER) -> int:
    """Write the pages, or with --check name the stale ones."""
    if words == ["--check"]:
        names = stale(folder)
        for name in names:
            sys.stderr.write(f"docs/reference/{name} is stale: run 'make docs'\n")
        return int(bool(names))
    if words:
        sys.stderr.write("usage: python tools/reference.py [--check]\n")
        return 2
    write_all(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
