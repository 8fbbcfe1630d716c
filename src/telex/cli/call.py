"""One call of a verb, as every verb of the command line gets it."""

from __future__ import annotations

from telex.cli.output import Output
from telex.cli.parse import Args

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.bus import Bus


class Call:
    """One call of one verb: its words, where its answer goes, and the bus when it is needed."""

    def __init__(self, args: Args, out: Output, words: list[str]) -> None:
        self.args = args
        self.words = words  # as they were given, without the verb
        self.out = out
        self._bus: Bus | None = None

    @property
    def bus(self) -> Bus:
        """The bus of this machine, opened on first use. Raises StoreFault, and NotYourName for --from."""
        if self._bus is None:
            from telex.wiring import open_bus

            self._bus = open_bus(own_process=True)
        return self._bus
