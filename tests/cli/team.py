"""What the transcripts of `telex link` need: a relay with a team that waits for its owner, and an end to every link.

In them $RELAY is the relay's URL and $FOUND the code that founds the team acme; other machines are other homes, such as
TELEX_HOME=$HOME/bob.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.relay.running import running
from tests.support.cli import Shell

from telex.fs.lock import FileLock
from telex.team import link_state

_END_MS = 20_000


@contextmanager
def around(stem: str, shell: Shell, root: Path) -> Iterator[None]:
    """The surroundings of a transcript by its file's name; of most there are none."""
    if not stem.startswith("link"):
        yield
        return
    with running(root / "relay") as relay:
        shell.environment |= {"RELAY": relay.url, "FOUND": relay.code("acme")}
        try:
            yield
        finally:
            for store in shell.home.rglob("telex.db"):
                _end(shell, store.parent)


def _end(shell: Shell, home: Path) -> None:
    """Let the link of a home rest, and wait until its process is gone."""
    shell.telex("link", "pause", TELEX_HOME=str(home))
    lock = FileLock(str(home / link_state.LOCK))
    assert not (home / "link").exists() or lock.acquire_within(_END_MS), f"the link of {home} runs on"
    lock.close()
