"""requirements.lock: everything that development and CI install, each file by its hash, and nothing that is stale."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
_PINNED = re.compile(r"([a-z0-9-]+)==([^ ;\\]+)")


def declared() -> list[str]:
    """What pyproject.toml asks for, extras and development together."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = [line for lines in told["project"]["optional-dependencies"].values() for line in lines]
    every = [*told["project"]["dependencies"], *extras, *told["dependency-groups"]["dev"]]
    return [line for line in every if not line.startswith("telex")]


def problems(lock: str, asked: list[str]) -> list[str]:
    """What is wrong with a lock for these requirements."""
    entries = re.split(r"(?m)^(?=[a-z0-9])", lock)
    pinned = {match[1]: match[2] for one in entries if (match := _PINNED.match(one))}
    found = [f"not pinned: {one[:60]!r}" for one in entries if one.strip() and not _PINNED.match(one)]
    found += [f"without a hash: {one.split()[0]}" for one in entries if one.strip() and "--hash=sha256:" not in one]
    found += [f"names a host: {line}" for line in lock.splitlines() if "://" in line]
    for requirement in map(Requirement, asked):
        version = pinned.get(requirement.name.lower())
        if version is None or version not in requirement.specifier:
            found.append(f"{requirement}: {version} is locked; run 'make lock'")
    return found


def test_the_lock_has_what_is_asked_for_by_hash_and_from_no_named_host() -> None:
    assert problems((ROOT / "requirements.lock").read_text(), declared()) == []


@pytest.mark.parametrize(
    ("lock", "words"),
    [
        ("apsw==3.1\n", "without a hash"),
        ("apsw==1.0 \\\n    --hash=sha256:aa\n", "1.0 is locked"),
        ("rich==14 \\\n    --hash=sha256:aa\n", "apsw>=3: None is locked"),
        ("--index-url https://example.org\napsw==3.1 \\\n    --hash=sha256:aa\n", "names a host"),
        ("apsw>=3 \\\n    --hash=sha256:aa\n", "not pinned"),
    ],
)
def test_a_lock_that_will_not_do_is_noticed(lock: str, words: str) -> None:
    assert any(words in one for one in problems(lock, ["apsw>=3"]))
