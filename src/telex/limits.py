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
SETTING_CHARS = 2_000  # of a setting that is a list of words
LISTED_CHARS = 24  # of such a list where all settings are listed
# the store
BUSY_MS = 10_000  # a command waits for the store before it gives up
HOOK_BUSY_MS = 3_000  # a hook gives up sooner: the mail stays for the next moment
CHECKPOINT_PAGES = 250  # of the write-ahead log before SQLite moves them into the database
READ_LOCK_MS = 2_000  # a hook that cannot get its inbox to itself in this time leaves the mail for the next one
SCHEMA_VERSION = 2  # of the store; a newer one is refused, an older one migrated
# the process table
PROC_FILE_BYTES = 4_096  # read of a file in /proc, which does not say how long it is

RESERVE_FREE_BYTES = 8 * 1024 * 1024  # where the disk has less, the reserve would be in the way
RESERVE_BYTES = 1024 * 1024  # kept on the disk so that deleting works when it is full

# the hook
PAYLOAD_MOST_BYTES = 16 * 1024 * 1024  # of what a client writes to a hook; more is not read
MONITOR_PAUSE_SECONDS = 30  # after a fault, before a session's monitor looks again
HOOK_TIMEOUT_SECONDS = 10  # after which the client ends a hook
STORED_SECONDS = 60  # OpenCode may need until it has stored a text; 10 s were too few on a machine with much else to do
WAKE_TIMEOUT_SECONDS = 20  # after which the client ends the wake-up hook
BURST_MS = 100  # between a bell and the wake-up by it, in which what was sent together comes together
CODEX_LAST_SECONDS = 3  # the most that Codex allows the hooks of an interruption and of a session's end
GATE_HEAD_BYTES = 400  # of a payload that names its session and its subagent first
CALL_NAMES = 3  # senders named to a session that is called
CALL_PENDING_SECONDS = 60  # after which a call that no turn followed counts as lost
CALL_MOST_SECONDS = 20  # for the client to take a call
INBOX_SOCKET_IDLE_SECONDS = 3  # for a turn that is just ending, before a call by the inbox socket is given up
STATUS_LINE_SECONDS = 2  # between two looks of a status line that is telex's alone
SHOW_ROWS = 50  # queued messages read for one injection

# coop
COOP_BODY_BYTES = 10_240  # of a message sent in coop's words
COOP_HOOK_MS = 3_000  # after which coop's hook line answers that nothing is unread; the client ends it after 5 s
COOP_RECORD_MS = 1_000  # that it then has to record what it showed

# doctor
DOCTOR_ROWS = 100_000  # newest messages checked against their hashes
BACKUP_STEP_PAGES = 1_000  # copied at a time, so that writers get their turn
LOST_MESSAGES = 10_000_000  # a note of the newest message that is further ahead is not this store's
# listings
INDEX_MESSAGES = 64  # are put into the search index together, by every so many-th send
SEARCH_ROWS = 10_000  # matches looked at for those that concern the caller
LIST_ROWS = 20  # of a listing, where --limit does not say otherwise
PREVIEW_CHARS = 100  # of a body in a listing
WAIT_POLL_MS = 50  # where the system has neither inotify nor kqueue
FOLLOW_POLL_MS = 200  # between two looks of 'telex log --follow'
COLLECT_EVERY_OBJECTS = 50_000  # made by a command before its garbage is looked for
# the claude-ipc face
IPC_ID_CHARS = 32  # of an instance's id
IPC_REQUESTS_PER_MINUTE = 100  # of one instance; looking for mail is not counted
IPC_WAITING = 100  # messages that this face lets wait for one recipient
IPC_RENAME_SECONDS = 3_600  # between two renames of one instance
IPC_LARGE_BYTES = 10_240  # a larger text is handed over as a summary and a file
IPC_LEASE_SECONDS = 300  # an id without a client's session stays its holder's after the last request
IPC_USE_STEP_MS = 10_000  # the last request of an instance is noted no more often
IPC_TOKEN_SECONDS = 86_400  # a token is good for
IPC_TOKEN_BYTES = 32  # of chance in a token
IPC_PORT = 9_876  # where the original's clients look
IPC_REQUEST_MOST_BYTES = 16 * 1024 * 1024  # of one request
IPC_ANSWER_BYTES = 60_000  # of one answer to a check: the original's clients read 65,536 once
IPC_AROUND_BYTES = 1_000  # of one message in it: its ids, its time, its keys
IPC_ENTRY_BYTES = 1_000  # an entry of data that stays beside its text where all of it would be too large
IPC_DEPTH = 100  # objects inside objects in one request
IPC_CONNECTIONS = 4_096  # open at a time
IPC_FILES_SPARE = 64  # descriptors that the port leaves for the store
IPC_BUFFERED_BYTES = 256 * 1024 * 1024  # of unfinished requests, all connections together
IPC_SEGMENT_BYTES = 65_536  # read from a connection at a time
IPC_IDLE_SECONDS = 30  # a client may need for its request, then its connection is closed
IPC_GRACE_SECONDS = 5  # for what is being answered when the port is told to end
IPC_TAKEN_SECONDS = 2  # a client may need to take its mail; it stays unread after that
IPC_HELD_MS = 50  # one try for an inbox that somebody else is reading
IPC_HELD_TRIES = 60  # of these, before a check is told to try again
IPC_DRAIN_BYTES = 64 * 1024 * 1024  # of a request that was refused, read so that the refusal arrives
IPC_COMMAND_SECONDS = 30  # share_command lets a command run
IPC_OUTPUT_BYTES = 1024 * 1024  # of a command's output, of each of its two streams
IPC_SUMMARY_CHARS = 150  # of a large text, where its first two sentences are longer than the next
IPC_SENTENCES_CHARS = 500  # of the first two sentences
IPC_PREVIEW_CHARS = 50  # of a message in auto_process's list

# kei's mailbox
KEI_LIST_ROWS = 40  # of 'telex message list'
KEI_LOOK_BACK_ROWS = 1_000  # newest messages in which an inbox looks for what was said to all
KEI_NAME_BYTES = 255  # of a name in kei's records: it is the base name of a directory
KEI_FRESH_DAYS = 7  # a record of kei's that is older when it is imported is history, whoever has seen it
KEI_LIVE_HOURS = 24  # a session of kei's whose cursor did not move for so long is over
# the MCP server
MCP_SCHEMA_BYTES = 3_072  # of the answer to tools/list, which every session's model reads
MCP_LINE_BYTES = 64 * 1024 * 1024  # of one JSON-RPC line: the largest body, escaped fourfold
MCP_DRAIN_SECONDS = 5  # for calls that still run when the client has closed its end
MCP_PROGRESS_SECONDS = 5  # between two progress notifications of a call that sleeps
MCP_WAIT_SECONDS = 50  # a wait without a time of its own: clients give a call up after 60
MCP_WAIT_BACKGROUND_SECONDS = 3_600  # the same in Claude Code, which moves it to the background
MCP_WAIT_MOST_SECONDS = 604_800  # that a call may ask to sleep
MCP_ASK_SECONDS = 600  # an ask without a time of its own, where the client lets a call wait
MCP_ANSWER_CHARS = 60_000  # of messages in one answer; clients cut near 25,000 tokens
MCP_PORT = 8_737  # of 'telex mcp --http'
MCP_PORT_HIGHEST = 65_535  # that there is
MCP_TOKEN_BYTES = 24  # of the secret in its URL
