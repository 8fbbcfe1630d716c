"""demo: two sessions exchange a message through the real hook lines, in a home of their own."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile

from telex.clients import types
from telex.clients.installer import install
from telex.testing.claude import Session, context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.cli.call import Call


def demo(call: Call) -> None:
    """`telex demo`"""
    with tempfile.TemporaryDirectory(prefix="telex-demo-") as place:
        stage = _Stage(call, place)
        try:
            stage.play()
        finally:
            stage.clean()


class _Stage:
    """A home, two directories, two sessions."""

    def __init__(self, call: Call, place: str) -> None:
        self.call = call
        self.home, self.user_home = f"{place}/telex", f"{place}/user"
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": self.user_home, "TELEX_HOME": self.home}
        settings = f"{self.user_home}/.claude/settings.json"
        self.sessions: list[Session] = []
        install.install("claude", types.USER, home=self.home, user_home=self.user_home)
        for name in ("frontend", "api"):
            os.makedirs(f"{place}/{name}")
            self.sessions.append(Session(settings, f"{place}/{name}", environment))

    def play(self) -> None:
        """The whole exchange."""
        frontend, api = self.sessions
        self.say("two Claude Code sessions start; the real hook lines run, with payloads as the client sends them")
        frontend.start()
        self.say("api is told its name, because it is not alone", context(api.start()))
        self.run(
            api, "send", "@frontend", "--kind", "request", "the schema moved to v2: which field do you still read?"
        )
        shown = context(frontend.prompt("go on"))
        if "the schema moved to v2" not in shown:
            raise AssertionError("the message is not in the next prompt")
        self.say("frontend's next prompt carries it into the model's request", shown)
        self.run(frontend, "reply", "m1", "only user.email; the rest can go")
        shown = context(api.tool())
        if "only user.email" not in shown:
            raise AssertionError("the reply is not there after the tool call")
        self.say("api gets the reply between two tool calls", shown)
        api.stop()
        self.run(api, "show", "m1")
        self.say("the receipts are above: shown when, answered by what" if not self.call.out.as_json else "done")

    def run(self, session: Session, *words: str) -> None:
        """A command of a session's shell tool."""
        ran = subprocess.run(
            [f"{self.home}/bin/telex", *words],
            env=session.environment,
            cwd=session.directory,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise AssertionError(f"telex {shlex.join(words)} ended with {ran.returncode}: {ran.stderr}")
        name = os.path.basename(session.directory)
        self.say(f"{name} $ telex {shlex.join(words)}", ran.stdout.rstrip("\n"))

    def say(self, what: str, text: str = "") -> None:
        """One step."""
        if self.call.out.as_json:
            self.call.out.json({"step": what, "text": text})
            return
        self.call.out.line(what)
        for line in text.split("\n") if text else []:
            self.call.out.line(f"    {line}")
        self.call.out.line()

    def clean(self) -> None:
        """End the stand-ins."""
        for session in self.sessions:
            session.kill()
