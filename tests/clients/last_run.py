"""What a run of the real clients showed: printed for people, and kept for `telex status` and the documentation.

`python -m tests.clients.last_run --note|--report CLIENTS_DIR REPORT…` reads the reports that pytest wrote (JUnit XML);
`--note` keeps what they show, for a run that passed as a whole.

Rules kept here:
- a client counts as tested only where the test of every row of its table passed; one that is not installed, or of which
  a row was not run, is NOT TESTED, and what is kept of an earlier run stays as it is;
- a test passed if all its cases did, and at least one was run.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from tests.clients.proofs import PROOFS
from tools import reference_clients

from telex.clients import hook_points, registry

PASSED, FAILED, NOT_RUN = "passed", "FAILED", "not run"
_FIGURE = re.compile(r"\d\.\d")


class Line(NamedTuple):
    """What is said of one client."""

    client: str
    version: str
    words: str
    proved: bool


def outcomes(*reports: ElementTree.Element) -> dict[str, bool]:
    """FILE::TEST[case] -> whether it passed; skipped counts as not passed."""
    found: dict[str, bool] = {}
    for case in (case for report in reports for case in report.iter("testcase")):
        name = f"{case.get('classname', '').rpartition('.')[2]}.py::{case.get('name')}"
        good = not any(case.find(bad) is not None for bad in ("failure", "error", "skipped"))
        found[name] = found.get(name, True) and good
    return found


def state(proof: str, found: dict[str, bool]) -> str:
    """What became of the test of one row."""
    cases = [good for name, good in found.items() if name == proof or name.startswith(f"{proof}[")]
    return NOT_RUN if not cases else PASSED if all(cases) else FAILED


def line(client: str, clients_dir: Path, found: dict[str, bool]) -> Line:
    """What is to be said of a client."""
    mark = clients_dir / client / ".installed"
    version = mark.read_text().strip() if mark.exists() else ""
    if not version:
        return Line(client, "-", "NOT TESTED: it is not installed", proved=False)
    rows = {row: state(proof, found) for row, proof in PROOFS[client].items()}
    passed = sum(one == PASSED for one in rows.values())
    count = f"{passed} of {len(rows)} moments passed"
    failed = [f"{when} ({door})" if door else when for (when, door), one in rows.items() if one == FAILED]
    if failed:
        return Line(client, version, f"FAILED: {', '.join(failed)}; {count}", proved=False)
    if passed < len(rows):
        return Line(client, version, f"NOT TESTED whole: {count}, the rest was not run", proved=False)
    return Line(client, version, f"tested: {count}", proved=True)


def measured(*reports: ElementTree.Element) -> list[str]:
    """The figures that passing tests printed."""
    cases = [case for report in reports for case in report.iter("testcase") if case.find("failure") is None]
    said = [case.findtext("system-out") or "" for case in cases]
    return [row for text in said for row in text.splitlines() if _FIGURE.search(row)]


def keep(lines: list[Line], day: str) -> bool:
    """Write down which clients were proved, with version and day; whether anything changed."""
    path = Path(hook_points.TESTED)
    before = path.read_text(encoding="utf-8")
    known = json.loads(before)
    known |= {one.client: {"version": one.version, "date": day} for one in lines if one.proved}
    rows = [f"  {json.dumps(name)}: {json.dumps(known[name])}" for name in registry.names() if name in known]
    after = "{\n" + ",\n".join(rows) + "\n}\n"
    if after == before:
        return False
    path.write_text(after, encoding="utf-8")
    reference_clients.PATH.write_text(reference_clients.clients(), encoding="utf-8")
    return True


def main(how: str, clients_dir: str, *paths: str) -> None:
    """Print the summary and keep it."""
    reports = [ElementTree.parse(path).getroot() for path in paths]
    found = outcomes(*reports)
    lines = [line(client, Path(clients_dir), found) for client in registry.names()]
    for figures in measured(*reports):
        print(f"  {figures}")
    for one in lines:
        print(f"{one.client:10} {one.version:10} {one.words}")
    if how == "--note" and keep(lines, time.strftime("%Y-%m-%d", time.gmtime())):
        print(f"noted in {hook_points.TESTED} and {reference_clients.PATH}")


if __name__ == "__main__":
    main(*sys.argv[1:])
