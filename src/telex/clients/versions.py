"""Which version of a client is on this machine, and whether it is the one that telex was tested with.

Rules kept here:
- another version is a warning, never a refusal, and nothing is guessed: what cannot be told is unknown;
- the version is read from the files beside the program; the program itself is started only by who may take his time
  (`ask`), never by `telex status`;
- what it was tested with stands in one file, written after a run of all its tests with the real program.
"""

from __future__ import annotations

import json
import os
import re
from shutil import which

from telex import limits
from telex.clients import hook_points, registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# How the packages of a client's makers begin; those for one system go on with its name.
_PACKAGES = {
    "claude": "@anthropic-ai/claude-code",
    "codex": "@openai/codex",
    "gemini": "@google/gemini-cli",
    "opencode": "opencode-",
    "copilot": "@github/copilot",
}
_VERSION = re.compile(r"(?<![\w.])\d+\.\d+\.\d+(?![\w.])")


def tested(client: str) -> str:
    """The version of the last run with the real program; empty if there was none."""
    return hook_points.tested().get(client, hook_points.Tested()).version


def found(client: str, environment: Mapping[str, str], *, ask: bool = False) -> str:
    """The version of the program on the path; empty if it cannot be told."""
    program = which(client, path=environment.get("PATH", os.defpath))
    if not program:
        return ""
    return _beside(client, os.path.realpath(program)) or (_asked(program, environment) if ask else "")


def remark(client: str, environment: Mapping[str, str], *, ask: bool = False) -> str:
    """One line where this version is known to lack a moment, or nothing is known; empty else, and where there is none.

    A version newer than the tested one is no reason to warn: clients change every day.
    """
    if not which(client, path=environment.get("PATH", os.defpath)):
        return ""
    one, known, here = registry.client(client), tested(client), found(client, environment, ask=ask)
    if not known:
        return f"{one.title}: telex was not tested with any version of it"
    if not here:
        return f"{one.title}: telex was tested with {known}, the version of this one is unknown"
    lacks = [moment.when for moment in one.moments if moment.door and _number(moment.since) > _number(here)]
    if not lacks:
        return ""
    return f"{one.title}: this is {here}, in which nobody has seen: {', '.join(dict.fromkeys(lacks))}"


def _number(version: str) -> tuple[int, ...]:
    """A version as numbers, so that 2.1.9 is older than 2.1.10; () for no version, which is older than any."""
    told = _VERSION.search(version)
    return tuple(map(int, told[0].split("."))) if told else ()


def _beside(client: str, program: str) -> str:
    """What the package that the program lies in says; some programs lie in a directory of versions, by that name."""
    name = _VERSION.fullmatch(os.path.basename(program))
    if name:
        return name[0]
    directory = os.path.dirname(program)
    while directory != os.path.dirname(directory):
        try:
            with open(os.path.join(directory, "package.json"), "rb") as file:
                package = json.loads(file.read(limits.PAYLOAD_MOST_BYTES))
            if str(package["name"]).startswith(_PACKAGES[client]):
                told = _VERSION.match(str(package["version"]).split("-")[0])
                return told[0] if told else ""
        except (OSError, ValueError, KeyError, TypeError):
            pass
        directory = os.path.dirname(directory)
    return ""


def _asked(program: str, environment: Mapping[str, str]) -> str:
    import subprocess

    try:
        done = subprocess.run(
            [program, "--version"],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limits.HOOK_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    told = _VERSION.search(done.stdout.decode("utf-8", "replace"))
    return told[0] if told and done.returncode == 0 else ""
