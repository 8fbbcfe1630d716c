"""link run, link unit: the process that sends and fetches, and the files that have the system start it."""

from __future__ import annotations

import os
import time

from telex.errors import Usage
from telex.errors.between import NotLinked
from telex.fs import launch
from telex.team import link_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.cli.call import Call
    from telex.db.connection import Store

SYSTEMD = """\
# ~/.config/systemd/user/telex-link.service; then: systemctl --user enable --now telex-link
[Unit]
Description=telex: messages between this machine and its team

[Service]
ExecStart={command}
Environment=TELEX_HOME={home}
Restart=on-failure
RestartSec=10

[Install]
WantedBy=default.target
"""
LAUNCHD = """\
<?xml version="1.0" encoding="UTF-8"?>
<!-- ~/Library/LaunchAgents/telex.link.plist; then: launchctl load -w ~/Library/LaunchAgents/telex.link.plist -->
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>telex.link</string>
  <key>ProgramArguments</key>
  <array>
{command}
  </array>
  <key>EnvironmentVariables</key><dict><key>TELEX_HOME</key><string>{home}</string></dict>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
</dict>
</plist>
"""
UNITS = {"systemd": SYSTEMD, "launchd": LAUNCHD}


def run(call: Call) -> None:
    """`telex link run`: until the link ends."""
    db = call.bus.db
    if link_state.load(db) is None:
        raise NotLinked()
    try:
        from telex.link import daemon
    except ModuleNotFoundError as problem:
        _note_missing(db, problem)
        raise
    quiet = "quiet" in call.args.flags
    if quiet:
        os.chdir(db.home)  # whoever started it may want to remove the directory that it was in
    why = daemon.run(db, aloud=not quiet and not call.out.as_json)
    if quiet:
        return
    words = why or "another process runs this link already"
    if call.out.as_json:
        call.out.json({"ended": words})
    else:
        call.out.line(words)


def _note_missing(db: Store, problem: ModuleNotFoundError) -> None:
    """Nobody may read what this process prints: `telex status`, `telex doctor` and the next send have to say it."""
    from telex.cli import extras
    from telex.team import alerts

    if known := extras.missing(problem, "link"):
        now_ms = int(time.time() * 1000)
        with db.write():
            alerts.note(db, alerts.PART, "", f"{known.message}; {known.advice}", now_ms)


def unit(call: Call) -> None:
    """`telex link unit SYSTEM`"""
    system = call.args.word("system")
    if system not in UNITS:
        raise Usage(problem=f"no unit file is known for '{system[:20]}'; systemd and launchd are", verb="link unit")
    form = UNITS[system]
    home = call.bus.db.home
    words = launch.telex(home, "link", "run", "--quiet", lasting=True)
    if system == "launchd":
        command = "\n".join(f"    <string>{_xml(one)}</string>" for one in words)
        text = form.format(command=command, home=_xml(home))
    else:
        text = form.format(command=" ".join(map(_systemd, words)), home=_systemd(home))
    if call.out.as_json:
        call.out.json({"system": system, "text": text})
    else:
        call.out.line(text.rstrip("\n"))


def _xml(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _systemd(text: str) -> str:
    """A word of a unit file: its own signs, spaces and quotes kept from being read."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped != text or " " in text else text
