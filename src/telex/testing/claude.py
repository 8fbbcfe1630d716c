"""A stand-in for Claude Code 2.1.332: it runs the hook lines of a settings file as the client does.

Rules kept here: payloads have the fields that the real client was seen to send; a line runs as `sh -c LINE` with
the client's variables and the payload on standard input; the stand-in's process lives as long as the session.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import uuid
from typing import Any

Answer = dict[str, Any]


class Session:
    """One running conversation, as hooks see it."""

    def __init__(self, settings: str, directory: str, environment: dict[str, str], *, title: str = "") -> None:
        self.settings = settings
        self.directory = directory
        self.title = title
        self.id = str(uuid.uuid4())
        self._turn = ""
        self._environment = environment
        self._process = subprocess.Popen(["sleep", "86400"], stdin=subprocess.DEVNULL)

    @property
    def environment(self) -> dict[str, str]:
        """What the client gives its hooks and the commands of its shell tool."""
        return self._environment | {
            "CLAUDECODE": "1",
            "CLAUDE_CODE_SESSION_ID": self.id,
            "CLAUDE_CODE_SESSION_ATTENDED": "1",
            "CLAUDE_PID": str(self._process.pid),
            "CLAUDE_PROJECT_DIR": self.directory,
        }

    def start(self, source: str = "startup") -> Answer:
        """SessionStart: startup, resume, clear or compact."""
        return self.fire("SessionStart", source=source)

    def prompt(self, text: str) -> Answer:
        """UserPromptSubmit."""
        self._turn = str(uuid.uuid4())
        return self.fire("UserPromptSubmit", prompt_id=self._turn, permission_mode="default", prompt=text)

    def tool(self, **more: Any) -> Answer:
        """PostToolBatch, after a shell command: the model has answered, and is about to be asked again."""
        used = {"tool_name": "Bash", "tool_input": {"command": "true"}, "tool_use_id": "toolu_1", "tool_response": ""}
        return self.fire("PostToolBatch", prompt_id=self._turn, permission_mode="default", tool_calls=[used], **more)

    def send_message(self, to: str, body: str, *, success: bool = True, **more: Any) -> Answer:
        """PostToolUse, after the client's own tool for messages."""
        given = {"to": to, "summary": "a greeting", "message": body}
        answer = {"success": success, "message": "sent" if success else "not sent"}
        used = {"tool_name": "SendMessage", "tool_input": given, "tool_use_id": "toolu_1", "tool_response": answer}
        return self.fire("PostToolUse", prompt_id=self._turn, permission_mode="default", **used, **more)

    def stop(self, *, going_on: bool = False) -> Answer:
        """Stop."""
        return self.fire(
            "Stop", prompt_id=self._turn, stop_hook_active=going_on, last_assistant_message="done", background_tasks=[]
        )

    def clear(self) -> Answer:
        """/clear: the conversation goes on under a new id in the same process."""
        self.fire("SessionEnd", reason="clear")
        self.id = str(uuid.uuid4())
        return self.start("clear")

    def end(self, reason: str = "prompt_input_exit") -> None:
        """SessionEnd, and the process is gone."""
        self.fire("SessionEnd", reason=reason)
        self.kill()

    def kill(self) -> None:
        """The process is gone, without a word."""
        self._process.kill()
        self._process.wait()

    def fire(self, event: str, **fields: Any) -> Answer:
        """Run every hook of an event; the first answer that is an object, with stderr and status beside it."""
        payload = {
            "session_id": self.id,
            "transcript_path": os.path.join(self.directory, f"{self.id}.jsonl"),
            "cwd": self.directory,
            "hook_event_name": event,
            **({"session_title": self.title} if self.title else {}),
            **fields,
        }
        answer: Answer = {}
        for line in self._lines(event, str(fields.get("tool_name", ""))):
            ran = subprocess.run(
                ["sh", "-c", line],
                input=json.dumps(payload).encode(),
                capture_output=True,
                env=self.environment,
                cwd=self.directory,
                check=False,
            )
            answer = json.loads(ran.stdout) if ran.stdout.strip() else {}
            answer["status"], answer["stderr"] = ran.returncode, ran.stderr.decode()
        return answer

    def _lines(self, event: str, tool: str) -> list[str]:
        with open(self.settings, encoding="utf-8") as file:
            groups = json.load(file).get("hooks", {}).get(event, [])
        chosen = [group for group in groups if re.fullmatch(group.get("matcher") or ".*", tool)]
        return [handler["command"] for group in chosen for handler in group["hooks"]]


def context(answer: Answer) -> str:
    """The text that an answer adds to the model's context, or ''."""
    return str(answer.get("hookSpecificOutput", {}).get("additionalContext", ""))
