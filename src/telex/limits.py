"""Every number telex holds itself to, with its unit in the name.

Rules kept here: a number that decides behaviour is named in this file and nowhere else; the unit is the last
word of the name; the numbers a person may change are listed again in `config.SETTINGS`, which takes its
defaults from here. Nothing is imported, so the hook may import this.
"""

from __future__ import annotations

# names
NAME_CHARS = 64  # of a name, a channel, a file name of a bell
NAME_TWINS = 999  # frontend-2 … frontend-999 before a newcomer is refused

# messages
BODY_INLINE_BYTES = 10_240  # larger bodies are kept beside the store
BODY_MOST_BYTES = 16 * 1024 * 1024  # larger ones are refused
BODY_HEAD_CHARS = 2_000  # of a body kept beside the store, what the store keeps for showing and searching
DATA_MOST_BYTES = 10_240  # of the JSON object that travels with a message
KEY_CHARS = 128  # of an idempotency key
RECIPIENTS_PER_SEND = 64  # addresses in one send, with commas between them
# what one injection into a client may hold
FRAME_CHARS = 4_000  # of one injection, the frame around the messages included
FRAME_OVERHEAD_CHARS = 400  # a one-line message costs less than this in all
PLACE_CHARS = 60  # of a sender's directory in a header; its end is kept
# flow control
HOPS_MOST = 8  # from agent to agent, before a person has to say so
REPEAT_SECONDS = 60  # in which the same text to the same recipient is refused
PAIR_REPLIES = 20  # two agents may exchange without a person
PAIR_WINDOW_SECONDS = 600  # in which these are counted
PAIR_COOLDOWN_SECONDS = 600  # the two rest after that
CAUSE_SECONDS = 600  # a message shown this recently counts as the cause of what its reader sends
SENDS_PER_MINUTE = 600  # of one session
INBOX_WAITING = 1_000  # messages that may wait for one recipient
REQUEST_DEADLINE_SECONDS = 3_600  # until a request is late, where its sender does not say
# keeping
KEEP_DAYS = 90  # finished messages are kept
FORWARD_HOURS = 2  # an old name leads to the new one after a rename
SWEEP_ROWS = 20  # finished messages removed, or open ones expired, by one write transaction
CLOCK_SLACK_MS = 60_000  # two writers of one machine may differ by less; more is a clock that was wrong
ORPHAN_BODY_SECONDS = 3_600  # before a body beside the store that no message refers to may be removed
# the store
BUSY_MS = 10_000  # a command waits for the store before it gives up
HOOK_BUSY_MS = 3_000  # a hook gives up sooner: the mail stays for the next moment
CHECKPOINT_PAGES = 250  # of the write-ahead log before SQLite moves them into the database
READ_LOCK_MS = 2_000  # a hook that cannot get its inbox to itself in this time leaves the mail for the next one
SCHEMA_VERSION = 1  # of the store; a newer one is refused, an older one migrated
# the process table
PROC_FILE_BYTES = 4_096  # read of a file in /proc, which does not say how long it is

RESERVE_FREE_BYTES = 8 * 1024 * 1024  # where the disk has less, the reserve would be in the way
RESERVE_BYTES = 1024 * 1024  # kept on the disk so that deleting works when it is full

# the hook
PAYLOAD_MOST_BYTES = 16 * 1024 * 1024  # of what a client writes to a hook; more is not read
HOOK_TIMEOUT_SECONDS = 10  # after which the client ends a hook
WAKE_TIMEOUT_SECONDS = 20  # after which the client ends the wake-up hook
BURST_MS = 100  # between a bell and the wake-up by it, in which what was sent together comes together
CODEX_LAST_SECONDS = 3  # the most that Codex allows the hooks of an interruption and of a session's end
GATE_HEAD_BYTES = 400  # of a payload that names its session and its subagent first
CALL_NAMES = 3  # senders named to a session that is called
CALL_PENDING_SECONDS = 60  # after which a call that no turn followed counts as lost
CALL_MOST_SECONDS = 20  # for the client to take a call
SHOW_ROWS = 50  # queued messages read for one injection

# doctor
DOCTOR_ROWS = 100_000  # newest messages checked against their hashes
BACKUP_STEP_PAGES = 1_000  # copied at a time, so that writers get their turn
# listings
SEARCH_ROWS = 10_000  # matches looked at for those that concern the caller
LIST_ROWS = 20  # of a listing, where --limit does not say otherwise
PREVIEW_CHARS = 100  # of a body in a listing
WAIT_POLL_MS = 50  # where the system has neither inotify nor kqueue
FOLLOW_POLL_MS = 200  # between two looks of 'telex log --follow'
COLLECT_EVERY_OBJECTS = 50_000  # made by a command before its garbage is looked for
