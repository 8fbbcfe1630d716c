"""The file of byte code beside the launchers is a cache: whatever is wrong with it, telex is imported as ever."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.perf.test_imports import verb
from tools.bench_lab import Lab

import telex
from telex.clients.launcher import launchers
from telex.clients.launcher.launchers import Launch


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A home whose telex is a copy, so that it may be changed."""
    copy = tmp_path / "lib" / "telex"
    shutil.copytree(os.path.dirname(str(telex.__file__)), copy, ignore=shutil.ignore_patterns("__pycache__"))
    real = launchers.this_launch()
    made = Lab(str(tmp_path), launch=Launch(python=real.python, import_dirs=[str(copy.parent), *real.import_dirs[1:]]))
    yield made
    made.close()


def cache(lab: Lab) -> Path:
    [found] = Path(lab.home, "bin").glob("modules-*")
    return found


def said(lab: Lab) -> str:
    return verb(lab, "inbox").said


def test_the_hot_verbs_need_no_other_file_of_telex(lab: Lab) -> None:
    shutil.rmtree(Path(lab.launch.import_dirs[0], "telex", "core", "__pycache__"))
    assert said(lab) == "nothing unread\n"
    assert not Path(lab.launch.import_dirs[0], "telex", "core", "__pycache__").exists()


def test_what_is_changed_since_is_imported_from_its_source(lab: Lab) -> None:
    source = Path(lab.launch.import_dirs[0], "telex", "cli", "mail.py")
    source.write_text(source.read_text().replace("nothing unread", "nothing at all"))
    assert said(lab) == "nothing at all\n"


def test_a_change_of_the_same_size_is_seen_by_its_time(lab: Lab) -> None:
    source = Path(lab.launch.import_dirs[0], "telex", "cli", "mail.py")
    source.write_text(source.read_text().replace("nothing unread", "nothing unREAD"))
    assert said(lab) == "nothing unREAD\n"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:100]),
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.write_bytes(b"\xff" * 1000),
        lambda path: path.chmod(0),
        lambda path: path.rename(path.with_name("modules-30a0000")),
    ],
)
def test_a_spoilt_cache_changes_nothing(lab: Lab, spoil: Callable[[Path], object]) -> None:
    spoil(cache(lab))
    assert said(lab) == "nothing unread\n"


def test_a_broken_module_says_where_it_broke(lab: Lab) -> None:
    source = Path(lab.launch.import_dirs[0], "telex", "bus", "__init__.py")
    source.write_text(source.read_text() + "\nraise ValueError('planted')\n")
    assert "planted" in said(lab) or "ValueError" in said(lab)


def test_a_traceback_names_the_source(lab: Lab) -> None:
    """The file's code carries the paths of its sources."""
    assert Path(lab.launch.import_dirs[0], "telex", "bus", "__init__.py").as_posix().encode() in cache(lab).read_bytes()
