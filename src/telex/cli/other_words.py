"""The words that other programs of this kind have for what telex can do, each with telex's own.

Rule kept here: no word of this table is a command of telex; a test holds it to that, and to commands that exist.
"""

from __future__ import annotations

_LISTS = "'telex who' lists the sessions"
_INBOX = "'telex inbox' lists what is unread, 'telex read' prints it"
_WAITS = "'telex wait' sleeps until a message comes; in a session with telex's hooks mail comes by itself"
_LOG = "'telex log' lists what was said, 'telex log --follow' prints it as it comes"
_SENDS = "telex send @name 'TEXT'"
_ALL = "telex send all 'TEXT', or '#channel' for the sessions of one directory"
_ASKS = "telex send @name 'TEXT' --kind request; the answer comes by itself"
_FOLLOWS = "'telex log --follow' prints messages as they come, 'telex wait' sleeps until one comes"
_STARTS = "telex run --name NAME -- COMMAND runs a command as a session; clients are started as usual"

LEADS = {
    **dict.fromkeys(("list", "ls", "ps", "peers", "agents", "sessions", "users", "roster", "active"), _LISTS),
    **dict.fromkeys(("check", "poll", "mail", "messages", "unread", "fetch", "receive", "get"), _INBOX),
    **dict.fromkeys(("listen", "sleep", "await"), _WAITS),
    **dict.fromkeys(("watch", "events", "tail", "follow", "stream", "monitor", "tui", "ui"), _FOLLOWS),
    **dict.fromkeys(("history", "archive", "transcript", "archived"), _LOG),
    **dict.fromkeys(("tell", "say", "post", "write", "notify", "dm", "push"), _SENDS),
    **dict.fromkeys(("broadcast", "announce", "shout", "all"), _ALL),
    **dict.fromkeys(("request", "query", "question"), _ASKS),
    **dict.fromkeys(("answer", "respond", "re"), "telex reply ID 'TEXT'"),
    **dict.fromkeys(("ack", "acknowledge", "close", "resolve"), "telex done ID, or telex reply ID 'TEXT' --kind ack"),
    **dict.fromkeys(
        ("outbox", "queue"),
        "'telex log' lists what you sent with its state, 'telex show ID' each delivery, 'telex link status' what "
        "waits for other machines",
    ),
    **dict.fromkeys(
        ("edit", "unsend", "recall", "cancel", "delete"),
        "a sent message stays as it is: send another with --reply-to ID; 'telex purge' deletes finished ones",
    ),
    **dict.fromkeys(("register", "whoami", "id", "rename", "iam"), "'telex name', 'telex name NEW'"),
    **dict.fromkeys(("rooms", "groups", "topics"), "'telex channels' lists them, telex join '#name' enters one"),
    **dict.fromkeys(("subscribe", "enter"), "telex join '#name'"),
    **dict.fromkeys(("unsubscribe", "quit", "part"), "telex leave '#name'"),
    **dict.fromkeys(("launch", "spawn", "start", "create"), _STARTS),
    **dict.fromkeys(("setup", "init", "connect", "hooks"), "telex install"),
    **dict.fromkeys(("remove", "disconnect"), "telex uninstall"),
    **dict.fromkeys(("health", "info", "diagnose"), "'telex status', 'telex doctor'"),
    **dict.fromkeys(("find", "grep"), "telex search WORDS"),
    **dict.fromkeys(("team", "machines", "remote", "pair"), "'telex link' lists the commands for other machines"),
    **dict.fromkeys(("settings", "set"), "telex config"),
    **dict.fromkeys(("man", "docs", "usage", "commands"), "'telex --help', 'telex VERB --help'"),
    **dict.fromkeys(("serve", "daemon", "server", "stop", "kill"), "telex needs nothing running on one machine"),
}


def lead(word: str) -> str:
    """What to type instead of another program's word; '' for a word that none of them has."""
    return LEADS.get(word.lower().lstrip("-"), "")
