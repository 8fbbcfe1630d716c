"""Measures telex against its floors and targets: `make bench`.

`--quick` takes fewer rounds and a smaller large store, `--only GROUP` one group, `--write` puts the tables into
docs/benchmarks.md.

Rules kept here: what is compared runs in the same rounds (tools/bench_runs.py); everything lives in a temporary
directory; the page names the machine by what matters, never by its name or its paths. The exit status is 0 also where
a target is missed, because a busy machine misses some: read the table.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

import apsw  # noqa: E402
from tools import bench_cold, bench_flow, bench_mcp, bench_wake  # noqa: E402
from tools.bench_lab import Lab  # noqa: E402
from tools.bench_runs import Row  # noqa: E402

PAGE = os.path.join(ROOT, "docs", "benchmarks.md")
BEGIN, END = "<!-- begin of what tools/bench.py writes -->", "<!-- end of what tools/bench.py writes -->"
GROUPS = ("gate", "hook", "command", "sends", "scale", "waking", "crowd", "idle", "mcp")


class Bench:
    """One run: the sizes, and the homes as they are needed."""

    def __init__(self, root: str, quick: bool) -> None:
        self.root = root
        self.rounds = 15 if quick else 40
        self.sizes = (0, 10_000, 100_000 if quick else 1_000_000)
        self.crowds = (8,) if quick else (8, 32)
        self.each = 20 if quick else 50
        self._labs: dict[str, Lab] = {}

    def lab(self, name: str, messages: int = 0) -> Lab:
        """The home of that name; made, and filled, when it is first asked for."""
        if name not in self._labs:
            if messages > self.sizes[1]:
                say(f"filling a store with {messages:,} messages")
            self._labs[name] = Lab(os.path.join(self.root, name), messages)
        return self._labs[name]

    def sized(self, size: int) -> Lab:
        """A home with so many messages in it."""
        return self.lab(f"of-{size}", size)

    def run(self, group: str) -> list[Row]:
        """Measure one group."""
        match group:
            case "gate":
                return bench_cold.gate({size: self.sized(size) for size in self.sizes}, 3 * self.rounds)
            case "hook":
                return bench_cold.hook(self.lab("hook"), self.rounds)
            case "command":
                return bench_cold.command(self.lab("command"), self.lab("linked"), self.rounds)
            case "sends":
                return bench_flow.sends(self.lab("sends"), self.lab("bare"), self.rounds // 2)
            case "scale":
                return bench_flow.scale(
                    {1_000: self.sized(1_000), self.sizes[2]: self.sized(self.sizes[2])}, self.rounds
                )
            case "waking":
                return bench_wake.waking(self.lab("waking"), self.rounds)
            case "crowd":
                return bench_wake.crowd(self.lab("crowd"), self.crowds, self.each)
            case "mcp":
                return bench_mcp.mcp(self.lab("mcp"), self.rounds)
            case _:
                return bench_wake.idle(self.lab("idle"))

    def close(self) -> None:
        """End what was started."""
        for lab in self._labs.values():
            lab.close()


def main(words: list[str]) -> int:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds, a smaller large store")
    parser.add_argument("--only", choices=GROUPS, action="append", help="one group; may be given again")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    given = parser.parse_args(words)
    root = tempfile.mkdtemp(prefix="telex-bench-")
    bench = Bench(root, given.quick)
    rows: list[Row] = []
    began = time.time()
    try:
        for group in given.only or GROUPS:
            say(group)
            found = bench.run(group)
            rows += found
            sys.stdout.write(table(found) + "\n")
            sys.stdout.flush()
    finally:
        bench.close()
        shutil.rmtree(root, ignore_errors=True)
    missed = [row.what for row in rows if row.ok is False]
    sys.stdout.write(f"{facts()}\n{len(missed)} missed{': ' if missed else ''}{'; '.join(missed)}\n")
    if given.write:
        write(rows, time.time() - began)
    return 0


def say(words: str) -> None:
    """Progress, for whoever waits."""
    sys.stderr.write(f"# {words}\n")
    sys.stderr.flush()


def facts() -> str:
    """What matters of the machine and of what runs on it."""
    load = " ".join(f"{part:.1f}" for part in os.getloadavg())
    system = f"{platform.system()} {platform.release().partition('-')[0]}"
    versions = f"Python {platform.python_version()}; SQLite {apsw.sqlite_lib_version()}"
    return f"{time.strftime('%Y-%m-%d', time.gmtime())}; {os.cpu_count()} cores, load {load}; {system}; {versions}"


def table(rows: list[Row]) -> str:
    """Rows as a Markdown table."""
    lines = [
        f"\n### {rows[0].group}\n",
        "| what | median | p95 | CPU | ratio | target | |",
        "|---|--:|--:|--:|--:|---|---|",
    ]
    for row in rows:
        unit = f" {row.unit}"
        tail = f"{number(row.p95)}{unit}" + (f", p99 {number(row.p99)}" if row.p99 else "")
        cpu = f"{number(row.cpu)} ms" + (f", {row.cpu_ratio:.2f} ×" if row.cpu_ratio else "") if row.cpu else ""
        ratio = f"{row.ratio:.2f} ×" if row.ratio else ""
        verdict = "" if row.ok is None else "ok" if row.ok else "MISSED"
        cells = (row.what, f"{number(row.median)}{unit}", tail, cpu, ratio, row.target, verdict)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def number(value: float) -> str:
    """Three digits that matter."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def write(rows: list[Row], seconds: float) -> None:
    """Put the tables between their marks on the page."""
    with open(PAGE, encoding="utf-8") as file:
        before, _, rest = file.read().partition(BEGIN)
    after = rest.partition(END)[2]
    groups = {row.group: [one for one in rows if one.group == row.group] for row in rows}
    tables = "".join(table(found) for found in groups.values())
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n\nMeasured {facts()}; {seconds / 60:.0f} min.\n{tables}\n{END}{after}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
