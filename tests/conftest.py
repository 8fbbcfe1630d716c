"""What holds for every test.

Rules kept here:
- a program that a test starts can be interrupted. Where the tests run as a shell's background job, SIGINT is ignored,
  and what they start would inherit that;
- a test that only root can run is marked `needs_root`. Under a plain user it is skipped, counted and named at the end
  of the run, so that nobody takes such a run for the whole. CI runs as root and runs all of them;
- what takes longest begins first, each file of it at another worker, so that no worker is left alone with it;
- `make test` tries the same examples every time; `make test-long` draws new ones and prints how to repeat a failure.
"""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import settings
from tests.support.capability import NEEDS_ROOT

from telex.fs import processes

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

LONGEST = ("cluster/", "crash/", "simulation/", "cli/test_transcripts", "compat/coop/test_faults", "link/test_agent")

settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.register_profile("random", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("TELEX_EXAMPLES", "same"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files to the front of what each worker gets: a share in one piece, until others steal from it."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    front: list[list[pytest.Item]] = [[] for _ in range(workers)]
    rest, seen = [], dict[str, int]()
    for item in items:
        path = item.nodeid.partition("::")[0].removeprefix("tests/")
        if path.startswith(LONGEST):
            at = 0 if path.startswith("cluster/") else seen.setdefault(path, len(seen))
            front[at % workers].append(item)
        else:
            rest.append(item)
    size = -(-len(items) // workers)
    items[:] = []
    for share in front:
        room = max(0, size - len(share))
        items += [*share, *rest[:room]]
        del rest[:room]
    items += rest


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what only root can do, and say so."""
    if os.geteuid() != 0 and (mark := item.get_closest_marker("needs_root")):
        pytest.skip(f"{NEEDS_ROOT}: {mark.args[0]}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests that were not run for want of root."""
    skipped = [one for one in terminalreporter.stats.get("skipped", []) if NEEDS_ROOT in str(one.longrepr)]
    if not skipped:
        return
    terminalreporter.section(f"{len(skipped)} tests were not run: they need root", red=True)
    for one in skipped:
        terminalreporter.write_line(one.nodeid)
    terminalreporter.write_line("run them as root, for example in a container: make test")


# Found out once, before any test puts something in the place of the process table: it is remembered for the process.
processes.space()
