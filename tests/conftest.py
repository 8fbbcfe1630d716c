"""What holds for every test.

Rule kept here: a program that a test starts can be interrupted. Where the tests run as a shell's background job, SIGINT
is ignored, and what they start would inherit that.
"""

from __future__ import annotations

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
