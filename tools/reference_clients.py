"""The page of clients: what each offers at which moment, proved by which test, last seen with which version."""

from __future__ import annotations

from tests.clients.proofs import PROOFS
from tools.reference_text import PACKAGE, cell, code, page, table

from telex.clients import hook_points, registry
from telex.core import evidence

PATH = PACKAGE.parents[1] / "docs" / "reference" / "clients.md"


def clients() -> str:
    """Every client's table."""
    found = [hook_points.capability(registry.client(name)) for name in registry.names()]
    intro = (
        "What each client offers telex: the moment, the client's own name for the door, the oldest version with which "
        "it was seen to work, which later event proves that a request to the model carried what was handed over there "
        "(a message is `handed` until then, see [delivery states](delivery-states.md)), and the test that proves the "
        "row with the real program. `telex status` prints the short form "
        "for the clients of this machine. A date stands here only after a run of `make test-clients` in which every "
        "row of that client passed; a client that was not there is not tested, never passed. In the same run each "
        "client writes to each client, and a Claude Code and a Codex session hold a conversation with nobody typing."
    )
    rows = [
        [
            f"[{one.title}](../clients/{one.client}.md)",
            cell(hook_points.mail_at(one)),
            one.tested or "not tested",
            one.date,
        ]
        for one in found
    ]
    parts = [table(["client", "shows mail at", "last tested with", "on"], rows)]
    for one in found:
        lines = [
            [
                cell(row.when),
                code(row.door) if row.door else "none",
                row.since,
                cell(row.note),
                cell(evidence.in_words(one.client, row.handing) or "nothing is handed over"),
                code(PROOFS[one.client][row.when, row.door].replace("::", " ")),
            ]
            for row in one.moments
        ]
        parts += [f"## {one.title}", table(["moment", "door", "since", "", "shown is proved by", "tested by"], lines)]
    return page("Clients", intro, *parts)
