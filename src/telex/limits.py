"""Every number telex holds itself to, with its unit in the name.

Rules kept here: a number that decides behaviour is named in this file and nowhere else; the unit is the last
word of the name; the numbers a person may change are listed again in `config.SETTINGS`, which takes its
defaults from here. Nothing is imported, so the hook may import this.
"""

from __future__ import annotations

# names
NAME_CHARS = 64
NAME_TWINS = 999  # frontend-2 … frontend-999 before a newcomer is refused

# messages
BODY_INLINE_BYTES = 10_240
BODY_MOST_BYTES = 16 * 1024 * 1024
BODY_HEAD_CHARS = 2_000  # of a body kept beside the store, what the store keeps for showing and searching
DATA_MOST_BYTES = 10_240
KEY_CHARS = 128
RECIPIENTS_PER_SEND = 64

# what one injection into a client may hold
FRAME_CHARS = 4_000
FRAME_OVERHEAD_CHARS = 400  # a one-line message costs less than this in all
PLACE_CHARS = 60

# flow control
HOPS_MOST = 8
REPEAT_SECONDS = 60
PAIR_REPLIES = 20
PAIR_WINDOW_SECONDS = 600
PAIR_COOLDOWN_SECONDS = 600
CAUSE_SECONDS = 600  # a message shown this recently counts as the cause of what its reader sends
SENDS_PER_MINUTE = 600
INBOX_WAITING = 1_000
REQUEST_DEADLINE_SECONDS = 3_600

# keeping
KEEP_DAYS = 90
FORWARD_HOURS = 2
SWEEP_ROWS = 20  # finished messages removed, or open ones expired, by one write transaction
ORPHAN_BODY_SECONDS = 3_600

# the store
BUSY_MS = 10_000
HOOK_BUSY_MS = 3_000  # a hook gives up sooner: the mail stays for the next moment
CHECKPOINT_PAGES = 250
READ_LOCK_MS = 2_000  # a hook that cannot get its inbox to itself in this time leaves the mail for the next one
SCHEMA_VERSION = 1

# the hook
PAYLOAD_MOST_BYTES = 16 * 1024 * 1024
HOOK_TIMEOUT_SECONDS = 10
WAKE_TIMEOUT_SECONDS = 20
SHOW_ROWS = 50  # queued messages read for one injection

# doctor
DOCTOR_ROWS = 100_000  # newest messages checked against their hashes
BACKUP_STEP_PAGES = 1_000

# listings
LIST_ROWS = 20
PREVIEW_CHARS = 100
WAIT_POLL_MS = 50  # where the system has neither inotify nor kqueue
FOLLOW_POLL_MS = 200
