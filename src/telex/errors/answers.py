"""The errors of answers that nobody takes: a closed pipe, a full disk behind standard output.

Rules kept here: those of `telex.errors`, of which this is the part that only the command line needs.
"""

from __future__ import annotations

from telex.errors import LocalFault


class Unwritten(Exception):
    """Standard output did not take what was written to it; the command line makes one of the errors below of it."""

    def __init__(self, problem: OSError, settled: str) -> None:
        super().__init__(problem.strerror or str(problem))
        self.gone = isinstance(problem, BrokenPipeError)  # its reader has left
        self.settled = settled
        self.keeps_mail = False  # it was mail, which stays unread


# --- done, but the answer could not be written: exit status 7 ---------------------------------------------


class AnswerLost(LocalFault):
    """What was asked is done; only standard output did not take the answer."""

    status = 7
    code = "answer-lost"
    text = "{done}; only the answer could not be written: {problem}"
    hint = "do not do it again"


# --- this machine: exit status 1 --------------------------------------------------------------------------


class OutputClosed(LocalFault):
    """Standard output was closed before the command began; it did nothing."""

    code = "output-closed"
    text = "standard output is closed; nothing was done"
    hint = "where nobody reads it, send it to /dev/null"


class OutputUnwritten(LocalFault):
    """Standard output did not take what was written to it."""

    code = "output-unwritten"
    text = "standard output could not be written: {problem}"
    hint = "nothing was changed"


class MailUntaken(LocalFault):
    """The mail could not be written, so it is not marked read. The status is 141 where a pipe's reader has left."""

    code = "mail-untaken"
    text = "the mail could not be written: {problem}"
    hint = "it stays unread; 'telex inbox' lists it"
