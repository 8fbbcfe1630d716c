"""What shows that an agent runs a command: the variables that agents set for what they start.

Rules kept here:
- a variable that only an agent sets makes its process an agent's, whether telex knows that agent or not;
- a variable that people may have too (an editor's terminal, a setting in a profile) does so where no terminal
  is there, by which a person could be typing;
- variables that a client's session left behind in a terminal, such as a pane of a multiplexer that was started inside
  it, are not an agent's once that client is gone and somebody has the terminal.
The lists follow what tools that ask the same question publish (docs/decisions/0026-who-is-the-person.md).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

MARKS = {  # set by an agent for its commands, and the client of telex that it is, if it is one
    "AI_AGENT": "",
    "AMP_CURRENT_THREAD_ID": "",
    "ANTIGRAVITY_AGENT": "",
    "AUGMENT_AGENT": "",
    "CLAUDECODE": "claude",
    "CLAUDE_CODE": "claude",
    "CLAUDE_CODE_IS_COWORK": "claude",
    "CLAUDE_CODE_SESSION_ID": "claude",
    "CLINE_ACTIVE": "",
    "CODEX_CI": "codex",
    "CODEX_SANDBOX": "codex",
    "CODEX_SANDBOX_NETWORK_DISABLED": "codex",
    "CODEX_SESSION_ID": "codex",
    "CODEX_THREAD_ID": "codex",
    "COPILOT_AGENT_SESSION_ID": "copilot",
    "COPILOT_CLI": "copilot",
    "CRUSH": "",
    "CURSOR_AGENT": "",
    "CURSOR_SANDBOX": "",
    "GEMINI_CLI": "gemini",
    "GEMINI_SESSION_ID": "gemini",
    "GOOSE_TERMINAL": "",
    "HERMES_SESSION_ID": "",
    "JUNIE_DATA": "",
    "JUNIE_SHIM_PATH": "",
    "OPENCLAW_SHELL": "",
    "OPENCODE": "opencode",
    "OPENCODE_CALLER": "opencode",
    "OPENCODE_SESSION_ID": "opencode",
    "PI_CODING_AGENT": "",
    "ROO_ACTIVE": "",
    "TRAE_AI_SHELL_ID": "",
}
HINTS = (  # set by an agent, or by a person's editor, cloud workspace or profile
    *("AGENT", "COPILOT_ALLOW_ALL", "COPILOT_GITHUB_TOKEN", "COPILOT_MODEL", "CURSOR_EXTENSION_HOST_ROLE"),
    *("CURSOR_TRACE_ID", "GOOSE_PROVIDER", "KILOCODE_FEATURE", "OPENCODE_CLIENT", "REPL_ID", "ZED_TERM"),
)
PREFIXES = ("CLINE_",)  # hints too
WORDS = (  # hints by what their value holds
    ("AWS_EXECUTION_ENV", "amazonq"),
    ("EDITOR", "devin"),
    ("PATH", ".pi/agent"),
    ("TERM_PROGRAM", "kiro"),
)


def marked(environment: Mapping[str, str], terminal: bool, gone: Collection[str] = ()) -> bool:
    """Whether an agent runs what has this environment; `terminal` says whether a person could be typing there, `gone`
    which clients have left variables of a session that is over."""
    for variable, client in MARKS.items():
        value = environment.get(variable, "")
        if value and not (terminal and _left_behind(client, value, gone)):
            return True
    return not terminal and _hinted(environment)


def _left_behind(client: str, value: str, gone: Collection[str]) -> bool:
    return client in gone if client else any(one in value.lower() for one in gone)


def _hinted(environment: Mapping[str, str]) -> bool:
    if any(environment.get(variable) for variable in HINTS):
        return True
    if any(word in environment.get(variable, "").lower() for variable, word in WORDS):
        return True
    return any(value and variable.startswith(PREFIXES) for variable, value in environment.items())
