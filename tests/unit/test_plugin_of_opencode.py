"""What the adapter of OpenCode puts into its plugin."""

from __future__ import annotations

import json
import re

import pytest

from telex import limits
from telex.clients import registry
from telex.clients.types import OwnFile, Where

ODD = [
    "/home/o'hara/.telex",
    '/home/"quoted"/\\back',
    "/home/${process.exit()}/`x`",
    "/home/new\nline/\u2028\u2029/é",
    "/home/__HOOK__/__PYTHON__",
    "*/ </script>",
]


def plugin(home: str) -> str:
    where = Where(scope="user", user_home="/u", project_dir="", home=home, hook=f"{home}/bin/hook.py")
    pieces = registry.client("opencode").pieces(where)
    return next(one.content.decode() for one in pieces if isinstance(one, OwnFile) and one.path.endswith(".js"))


@pytest.mark.parametrize("home", ODD)
def test_paths_are_javascript_strings_whatever_is_in_them(home: str) -> None:
    text = plugin(home)
    [given] = re.findall(r'^const INSTALLED = (".*")$', text, re.MULTILINE)
    assert json.loads(given) == home
    assert all(line.isascii() for line in text.splitlines())


def test_its_numbers_are_those_of_telex() -> None:
    text = plugin("/h")
    assert f"const PATIENCE_MS = {limits.HOOK_TIMEOUT_SECONDS * 1000} " in text
    assert f"const STORED_MS = {limits.STORED_SECONDS * 1000} " in text
    assert f"const BURST_MS = {limits.BURST_MS} " in text
    assert not re.search(r"__[A-Z_]+__", text)
