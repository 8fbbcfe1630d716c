"""Each check of the source against a planted violation, and against the nearest thing that is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.tidy import checks

Check = Callable[[str], list[str]]

LONG = "def long():\n" + "    pass\n" * 70
SHORT = "def short():\n" + "    pass\n" * 69

PLANTED: list[tuple[Check, str]] = [
    (checks.long_module, "x = 1\n" * 601),
    (checks.long_functions, LONG),
    (checks.long_functions, "class A:\n" + "".join(f"    {line}\n" for line in LONG.splitlines())),
    (checks.undocumented, "x = 1\n"),
    (checks.undocumented, '"""Module."""\ndef verb(): pass\n'),
    (checks.undocumented, '"""Module."""\nclass Noun:\n    """Noun."""\n    def verb(self): pass\n'),
    (checks.impure, "import os\n"),
    (checks.impure, "import time\nnow = time.time()\n"),
    (checks.impure, "from time import monotonic\n"),
    (checks.impure, "from telex.mail import messages\n"),
    (checks.impure, "from telex import bus\n"),
    (checks.impure, "import telex\n"),
    (checks.impure, "def late():\n    import random\n"),
    (checks.impure, "import difflib\n"),
    (checks.impure, "try:\n    import os\nexcept ImportError:\n    pass\n"),
    (checks.impure, "try:\n    pass\nexcept ImportError:\n    import os\n"),
    (checks.impure, "if TYPE_CHECKING:\n    pass\nelse:\n    import os\n"),
    (checks.impure, "text = open('x').read()\n"),
    (checks.imports_anything, "from telex import limits\n"),
    (checks.sql_in_python, "con.execute('SELECT 1')\n"),
    (checks.sql_in_python, "con.execute('''\n  INSERT INTO t VALUES (1)''')\n"),
    (checks.sql_in_python, "con.execute(f'DELETE FROM {table}')\n"),
    (checks.sql_in_python, "con.execute('PRAGMA ' + name)\n"),
    (checks.large_numbers, "wait(1_001)\n"),
    (checks.large_numbers, "most = 1e6\n"),
    (checks.error_classes, "class Odd(Exception): pass\n"),
    (checks.error_classes, "class Odd(OSError): pass\n"),
    (checks.error_classes, "from telex.errors import Refused\nclass Odd(Refused): pass\n"),
    (checks.unfinished, "x = 1  # TO" + "DO: later\n"),
    (checks.unfinished, "# FIX" + "ME\n"),
    (checks.odd_characters, "x =\t1\n"),
    (checks.odd_characters, "x = '\x1b[0m'\n"),
    (checks.odd_characters, "x = 1\r\n"),
    (checks.prints, "print('x')\n"),
    (checks.reaches_network, "import urllib.request\n"),
    (checks.reaches_network, "def late():\n    from http.client import HTTPConnection\n"),
    (checks.second_sqlite, "import sqlite3\n"),
    (checks.open_directories, "os.makedirs(f'{home}/relay', mode=0o700, exist_ok=True)\n"),
    (checks.open_directories, "os.mkdir(path, 0o700)\n"),
    (checks.unescaped_exits, "sys.stdout.write(body)\n"),
    (checks.unescaped_exits, "sys.stderr.write(f'{problem}')\n"),
    (checks.unescaped_exits, "line = json.dumps(found, ensure_ascii=False)\n"),
    (checks.unescaped_exits, "line = message.model_dump_json(by_alias=True)\n"),
    (checks.builds_adapters, "db = Store('x')\n"),
    (checks.builds_adapters, "db = sqlite.Store('x')\n"),
    (checks.builds_adapters, "con = apsw.Connection('x')\n"),
    (checks.unquoted_programs, "line = f'{TELEX} send @api done'\n"),
    (checks.unquoted_programs, "line = f'read -r go; {sys.executable} -c pass'\n"),
    (checks.unquoted_programs, "line = f'{TELEX}; echo $?'\n"),
    (checks.unheld_ports, "probe.bind(('127.0.0.1', 0))\n"),
]

HARMLESS: list[tuple[Check, str]] = [
    (checks.long_module, "x = 1\n" * 600),
    (checks.long_functions, SHORT),
    (checks.undocumented, '"""Module."""\ndef _own(): pass\nclass _Own:\n    def verb(self): pass\n'),
    (checks.impure, "from telex.core.record import Record\nfrom telex import limits\nfrom _blake2 import blake2b\n"),
    (checks.impure, "import time\nday = time.gmtime(0)\n"),
    (checks.impure, "def late():\n    from difflib import get_close_matches\n"),
    (checks.impure, "if TYPE_CHECKING:\n    import os\n"),
    (checks.sql_in_python, "con.execute('PRAGMA user_version')\ncon.execute('BEGIN IMMEDIATE')\n"),
    (checks.sql_in_python, "say('SELECTED by hand')\n"),
    (checks.large_numbers, "x = 1_000\ny = 0x7FFF\nz = '5000'\n"),
    (checks.error_classes, "class Errors: pass\n"),
    (checks.unfinished, "todos = []\n"),
    (checks.odd_characters, "x = 'é…日本'\n"),
    (checks.prints, "out.print('x')\n"),
    (checks.reaches_network, "import http_like\n"),
    (checks.second_sqlite, "import apsw\n"),
    (checks.open_directories, "os.makedirs(directory)\nmake_directory(path)\n"),
    (checks.unescaped_exits, "line = text.escaped(json.dumps(found, ensure_ascii=False))\nout = json.dumps(found)\n"),
    (checks.builds_adapters, "def make(db: Store) -> None: pass\n"),
    (checks.unquoted_programs, "line = f'{TELEX_WORD} send @api done'\nname = f'{TELEX}.py'\n"),
    (checks.unheld_ports, "probe.bind((host, port))\nprobe.bind(path)\n"),
]


def _name(pair: tuple[Check, str]) -> str:
    return f"{pair[0].__name__}: {pair[1][:40]!r}"


@pytest.mark.parametrize(("check", "text"), PLANTED, ids=map(_name, PLANTED))
def test_a_planted_violation_is_found(check: Check, text: str) -> None:
    assert check(text)


@pytest.mark.parametrize(("check", "text"), HARMLESS, ids=map(_name, HARMLESS))
def test_what_is_allowed_is_left_alone(check: Check, text: str) -> None:
    assert check(text) == []


def test_the_length_of_a_function_leaves_out_its_decorators() -> None:
    assert checks.function_lengths("@a\n@b\ndef f():\n    pass\n") == [("f", 2)]


def test_a_path_of_this_machine_is_found() -> None:
    assert checks.machine_paths("see /some/where/else", ["/some/where"]) == ["line 1: /some/where"]
    assert checks.machine_paths("see {ROOT}/some/where and /some/wherever", ["/some/where"]) == []


def test_query_names_are_read() -> None:
    assert checks.query_names("-- Heading\n\n-- :one  what it does\nSELECT 1\n-- :two\nSELECT 2\n", "noun") == [
        "noun.one",
        "noun.two",
    ]


def test_names_in_use_are_seen() -> None:
    assert checks.words("from a import b\nc.d('e')\n") == {"b", "c", "d"}


def test_queries_in_use_are_seen() -> None:
    text = "db.rows('mail.one')\nfor name in ('two', 'mail.three'):\n    db.run(f'mail.put_{name}')\n    db.run(name)\n"
    assert checks.queries_asked(text) == {"mail.one"}
    assert checks.queries_used(text) >= {"mail.one", "mail.three", "mail.put_two"}
    assert "mail.four" not in checks.queries_used(text)
