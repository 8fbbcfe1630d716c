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
CHANNEL_KEPT_HOURS = 24  # what a channel kept while nobody else was there goes to everybody who comes so soon
SWEEP_ROWS = 20  # finished messages removed, or open ones expired, by one write transaction
SIGNED_SLACK_MS = 3_600_000  # by which a letter's signed time may differ from its arrival; more is said
TROUBLE_CLOCK_REST_MS = 86_400_000  # in which a wrong clock of one machine is told once
CLOCK_SLACK_MS = 60_000  # two writers of one machine may differ by less; more is a clock that was wrong
ORPHAN_BODY_SECONDS = 3_600  # before a body beside the store that no message refers to may be removed
SETTING_CHARS = 2_000  # of a setting that is a list of words
LISTED_CHARS = 24  # of such a list where all settings are listed
# the store
BUSY_MS = 10_000  # a command waits for the store before it gives up
HOOK_BUSY_MS = 3_000  # a hook gives up sooner: the mail stays for the next moment
CHECKPOINT_PAGES = 250  # of the write-ahead log before SQLite moves them into the database
LOW_DISK_BYTES = 4 * 1024 * 1024  # free; with less the log is emptied sooner, before it takes the rest
LOW_DISK_PAGES = 8  # of the log, then
READ_LOCK_MS = 2_000  # a hook that cannot get its inbox to itself in this time leaves the mail for the next one
SCHEMA_VERSION = 10  # of the store; a newer one is refused, an older one migrated
# the process table
AWAY_DAYS = 7  # without a sign, until a session in another container counts as gone
PROC_FILE_BYTES = 4_096  # read of a file in /proc, which does not say how long it is

RESERVE_FREE_BYTES = 8 * 1024 * 1024  # where the disk has less, the reserve would be in the way
RESERVE_BYTES = 1024 * 1024  # kept on the disk so that deleting works when it is full

# the hook
TRANSCRIPT_BYTES = 1024 * 1024  # of a client's record of a conversation that are read to prove a handing
PAYLOAD_MOST_BYTES = 16 * 1024 * 1024  # of what a client writes to a hook; more is not read
MONITOR_PAUSE_SECONDS = 30  # after a fault, before a session's monitor looks again
HOOK_TIMEOUT_SECONDS = 10  # after which the client ends a hook
STORED_SECONDS = 60  # OpenCode may need until it has stored a text; 10 s were too few on a machine with much else to do
WAKE_TIMEOUT_SECONDS = 20  # after which the client ends the wake-up hook
BURST_MS = 100  # between a bell and the wake-up by it, in which what was sent together comes together
CODEX_LAST_SECONDS = 3  # the most that Codex allows the hooks of an interruption and of a session's end
GATE_HEAD_BYTES = 400  # of a payload that names its session and its subagent first
ASK_SLACK_SECONDS = 5  # a request that 'ask' waits for is due so much later than the wait ends
STDIN_SILENCE_SECONDS = 1  # after which a command that reads standard input unasked says so
LINE_CHARS = 80  # of a body in the line that a person sees
NEWS_PAUSE_MS = 600_000  # between two lines that tell a session who is new here
UNHEEDED_MS = 60_000  # an idle session that leaves waking mail for so long is not being woken
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
IMPORT_SECONDS = 60  # another program's database is read for at most so long
IMPORT_STEPS = 100_000  # of SQLite's machine between two looks at the clock
INDEX_MESSAGES = 64  # are put into the search index together, by every so many-th send
SEARCH_ROWS = 10_000  # matches looked at for those that concern the caller
LIST_ROWS = 20  # of a listing, where --limit does not say otherwise
WHO_AWAITED = 50  # names that nobody ever held, in a listing of who is here
PREVIEW_CHARS = 100  # of a body in a listing
WAIT_POLL_MS = 50  # where the system has neither inotify nor kqueue
WAIT_STEP_SECONDS = 5  # the longest sleep of a wait between two looks at what is overdue
FOLLOW_POLL_MS = 200  # between two looks of 'telex log --follow'
COLLECT_EVERY_OBJECTS = 50_000  # made by a command before its garbage is looked for
# the claude-ipc face
IPC_ID_CHARS = 32  # of an instance's id
IPC_REQUESTS_PER_MINUTE = 100  # of one instance; looking for mail is not counted
IPC_REGISTRATIONS_PER_MINUTE = 100  # of one process, whatever ids it takes
IPC_IDS_OF_ONE = 64  # that one process may hold at a time
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
# every HTTP server of telex's
HTTP_HEAD_BYTES = 32_768  # of a request that are not its body
HTTP_HEADERS = 100  # of a request, trailers included
HTTP_HEAD_SECONDS = 15  # for a request's head to come, the first on a connection too
HTTP_CONNECTIONS = 10_000  # open at a time
# between machines
WIRE_NUMBER_MOST = 2**53  # what JSON carries exactly, and SQLite holds
WIRE_PAUSE_MS = 86_400_000  # that a relay may ask for before the next try
WIRE_VERSION_MOST = 1_000_000  # of a header or a record
WIRE_NAMEPLATE_MOST = 999_999_999  # of an invitation
WIRE_CODE_CHARS = 32  # of a word of a table: a reason, a role, a state
WIRE_SECRET_CHARS = 256  # of a token
WIRE_URL_CHARS = 2_000  # of what a relay calls itself
WIRE_WORDS_CHARS = 1_000  # of what a relay says of a refusal
WIRE_SEALED_KEY_BYTES = 256  # of a key sealed for one machine
WIRE_RECORD_BYTES = 16_384  # of one membership record
WIRE_RECORDS = 10_000  # in one answer; the relay cuts sooner, by size
WIRE_PARTS = 16  # of a large body: as many as the largest body has
WIRE_MACHINES = 1_536  # that one envelope is for: as many ids as its header has room for
WIRE_MACHINES_EVER = 100_000  # that a team ever had
SYNC_ITEMS = 100  # in one push or page
SYNC_BATCH_BYTES = 1024 * 1024  # in one push or page
RELAY_HEADER_BYTES = 49_152  # of an envelope's header
RELAY_SEALED_BYTES = 98_304  # of what an envelope seals
RELAY_ROSTER_BYTES = 65_536  # of a machine's sealed roster
PAIRING_BYTES = 16_384  # of one step of a pairing
TEAM_MACHINES = 1_000  # in one team, those that were removed left out
MACHINE_LETTERS_PER_MINUTE = 1_200  # of one other machine, taken in here
MACHINE_MIB_PER_DAY = 1_024  # of texts of one other machine
MACHINE_NAMES_PER_DAY = 200  # that mail of one other machine makes here, where nobody has them
MACHINE_WAKES = 20  # of one session here by one other machine, without a person here
MACHINE_WAKE_SECONDS = 600  # in which these are counted
TROUBLE_REST_MS = 3_600_000  # in which the same trouble is kept, and told to the person, once
TROUBLE_ROWS = 1_000  # newest troubles kept
PAIRING_WAIT_SECONDS = 60  # who joins waits for the inviter's machine to answer
PAIRING_POLL_MS = 10_000  # in one look for the other side's next word
PAIRING_TRIES = 5  # a second apart, where the relay is away in the middle of a pairing
CHAIN_TRIES = 5  # to append a record while other owners append theirs
LETTER_TEXT_CHARS = 10_000  # of any text that travels with a body: a directory, a topic, whom it was addressed to
OUTBOX_KEEP_DAYS = 30  # what the relay has is kept here too, in case it goes back
BYGONE_KEEP_DAYS = 90  # the id of a removed message of another machine is remembered, so that it is not taken in again
ROUTE_NAMES = 400  # of members of channels, told with a letter to other machines; of more, none
RECEIPTS_PER_ITEM = 100  # in one item of the outbox
RECEIPTS_PER_SWEEP = 1_000  # put into the outbox by one write
ROSTER_PAST_HOURS = 24  # a name that nobody holds any more is told to the team
ROSTER_RESIDENTS = 200  # names told to the team
ROSTER_CHANNELS = 16  # channels of one of them
LINK_START_SECONDS = 5  # between two starts of the link's process, where the first did not stay
POLL_MS = 30_000  # a machine lets the relay wait for something to pull
RELAY_CONNECT_SECONDS = 10  # for a connection to the relay
RELAY_ANSWER_SECONDS = 20  # for its answer, besides the time it was asked to wait
RELAY_WHOLE_SECONDS = 120  # for a whole answer, besides the time it was asked to wait
RELAY_REFUSAL_BYTES = 16_384  # of an answer that is no success
RELAY_ANSWER_BYTES = 2 * 1024 * 1024  # of one answer: a full page, in JSON
TOKEN_SPARE_MS = 3_600_000  # a token is replaced so long before it ends
LINK_RETRY_LEAST_MS = 1_000  # of pause after a fault; it doubles, and chance decides how much of it is waited
LINK_RETRY_MOST_MS = 60_000  # of pause, however often it failed
LINK_REACHED_SECONDS = 300  # between two notes that the relay was reached
LINK_LOOK_SECONDS = 10  # between two looks for what no bell says: a machine that was asleep, a link that is over
LINK_UNKNOWN_SECONDS = 600  # a relay may not know this machine, before its link ends
LINK_LOCK_MS = 500  # a starting link waits for the lock that says who is the one
LINK_LOG_BYTES = 256 * 1024  # of the link's log, and of the one before it
LINK_PART_BYTES = 1024 * 1024  # of a large body, in one part
PRESENCE_STALE_SECONDS = 150  # a machine is not heard of, and what it said of its sessions counts no more
PRESENCE_LEAST_SECONDS = 1  # between two rosters of this machine that say who came or went, and two looks at others'
PRESENCE_STATES_SECONDS = 3  # between two that say no more than who is busy
PRESENCE_LOOK_SECONDS = 30  # between two looks at who is here and there, where nothing told of a change
# the relay
RELAY_SCHEMA_VERSION = 2  # of its file; a newer one is refused, an older one migrated
RELAY_ID_BYTES = 16  # of a team, a machine, an epoch, an origin
RELAY_LOG_BYTES = 16 * 1024 * 1024  # that SQLite's write-ahead log keeps when it is empty
RELAY_COMMIT_COMMANDS = 256  # that share one sync of the disk
RELAY_QUEUE_COMMANDS = 4_096  # that may wait for the disk
RELAY_RETRY_MS = 1_000  # after which a relay that could not may be asked again
RELAY_FULL_RETRY_MS = 3_600_000  # after which a team or a machine that had too much here may have less
RELAY_INBOX_RETRY_MS = 60_000  # after which a machine for which too much waited may have read some of it
INVITATION_MS = 600_000  # of life
MIB_BYTES = 1024 * 1024  # of a MiB
CLOCK_WINDOW_MS = 300_000  # a request's time may be behind the relay's clock
CLOCK_AHEAD_MS = 5_000  # and before it: links go by the relay's own clock
TOKEN_MS = 2_592_000_000  # a machine's token is good for: 30 days
TOKEN_BYTES = 32  # of chance in it
RELAY_TOKENS = 8  # that a machine may have; of more the oldest go
RELAY_NONCES = 1_000_000  # requests remembered of all machines; above it each makes room out of its own
RELAY_MACHINE_NONCES = 20_000  # of one machine; what is older is refused by its time
RELAY_WAITS = 8  # of one machine at a time; of more the oldest is answered
RELAY_RATE_KEYS = 100_000  # machines, teams or addresses whose rates are remembered
RELAY_REQUESTS_PER_MINUTE = 1_200  # of one machine
RELAY_ITEMS_PER_MINUTE = 60_000  # of one machine
RELAY_TEAM_ITEMS_PER_MINUTE = 600_000  # of all of a team's machines
RELAY_GUESSES_PER_MINUTE = 20  # wrong codes, tokens and signatures from one address
RELAY_SOURCE_BITS = 64  # of an IPv6 address that count when wrong tries are counted
RELAY_WAITING_ITEMS = 50_000  # from one machine for one that does not read
RELAY_TEAM_MIB = 4_096  # of a team's entries and parts
RELAY_MACHINE_MIB = 1_024  # of these, of one machine
RELAY_KEEP_DAYS = 30  # that an entry is kept
RELAY_INVITATIONS = 20  # of one owner, open at a time
NAMEPLATE_TRIES = 20  # numbers tried of each range, before no invitation can be made
NAMEPLATE_DIGITS = 6  # of an invitation's number at most: two where that is free, because it is easier to say
RELAY_PART_MS = 86_400_000  # a part that no entry refers to is kept
RELAY_SWEEP_ROWS = 1_000  # entries or parts removed by one commit
RELAY_SWEEP_SECONDS = 600  # between two sweeps
RELAY_HEARD_SECONDS = 10  # what was heard of machines is written down so often
RELAY_PROBE_SECONDS = 5  # for the write that tells whether the log works
RELAY_STREAM_SECONDS = 3_600  # after which an event stream ends, and is asked for anew
RELAY_COMMENT_SECONDS = 15  # between two signs of life in an event stream
RELAY_PORT = 8_738  # of 'telex relay serve'
RELAY_PART_BYTES = 1024 * 1024 + 1024  # of a sealed part of a large body: 1 MiB and what seals it
RELAY_BODY_BYTES = 2 * 1024 * 1024  # of a machine's request: a full push, in JSON
RELAY_JOIN_BYTES = 65_536  # of a request by nobody in particular
RELAY_BODY_SECONDS = 30  # for a request's body to come
RELAY_IDLE_SECONDS = 75  # a connection is kept without a request
RELAY_GRACE_SECONDS = 10  # for what is being answered when the relay is told to end
RELAY_TEAMS_KNOWN = 1_000  # whose chains are kept in memory
# a cluster of relays
CLUSTER_REPLICAS = 3  # of everything that the cluster keeps, where it has that many nodes
CLUSTER_DUPLICATE_SECONDS = 120  # in which the stream itself takes an id once
CLUSTER_IDS = 100_000  # places that a command may come late, and for which its id is remembered
CLUSTER_FORGET_EVERY = 1_000  # places, older ids are removed
CLUSTER_SNAPSHOT_COMMANDS = 50_000  # after which a relay's file is kept in the cluster, and the stream is cut
CLUSTER_RECONNECT_SECONDS = 1  # between two attempts at the same node
CLUSTER_PING_SECONDS = 2  # between two signs of life from a node
CLUSTER_PINGS = 2  # that may stay without an answer before another node is asked
CLUSTER_BEAT_SECONDS = 1  # between two signs of life of the tail, where nothing comes
CLUSTER_SILENCE_SECONDS = 3  # of the tail, after which it is begun anew
CLUSTER_LOOK_SECONDS = 3  # between two looks whether the stream is still the one that was read
CLUSTER_LOOKS = 3  # that must agree before the stream counts as gone back
CLUSTER_ASK_SECONDS = 3  # for one answer of the cluster
CLUSTER_SUBMIT_SECONDS = 15  # for a command to be durable and obeyed here, before its sender is told to try again
CLUSTER_START_SECONDS = 30  # for a relay that starts to reach the cluster and to have obeyed all that is there
CLUSTER_PAUSE_SECONDS = 0.3  # after a fault, before the next attempt
CLUSTER_GRACE_SECONDS = 5  # for relays that know more, before one that knows less says what a new stream begins with
CLUSTER_LOAD_SECONDS = 600  # for a snapshot to come from the cluster
CLUSTER_INFLIGHT_BYTES = 64 * 1024 * 1024  # of commands on their way through the cluster, before more are refused
CLUSTER_FILES = 64  # relay processes of one home
CLUSTER_PART_KEPT_MS = 3_600_000  # a part that was put so lately is not removed, whoever swept it
CLUSTER_PAYLOAD_BYTES = 2 * 1024 * 1024  # of one command: a full push
