"""Which test with the real program proves which row of a client's table (telex.clients.hook_points).

Rule kept here: every row has its test here, and every test here exists (tests/contract/test_moments.py). What run.sh
reports, and the date that `telex status` shows, are read from what became of these tests.
"""

from telex.clients.hook_points import APPROVAL, END, IDLE, PROMPT, START, STOP, TOOL

# client -> (moment, door) -> FILE::TEST under tests/clients; with [case] where a test serves several clients
PROOFS = {
    "claude": {
        (
            START,
            "SessionStart",
        ): "test_claude_drops.py::test_mail_that_waited_wakes_the_session_that_starts",
        (PROMPT, "UserPromptSubmit"): "test_claude_headless.py::test_mail_between_two_prompts_is_in_the_next_one",
        (TOOL, "PostToolBatch"): "test_claude_headless.py::test_mail_during_a_tool_call_is_in_the_request_after_it",
        (STOP, "Stop"): "test_claude_headless.py::test_mail_at_the_end_of_a_turn_continues_it_once",
        (IDLE, "FileChanged on the bell"): "test_claude_terminal.py::test_an_idle_session_is_woken",
        (IDLE, "the plugin's monitor"): "test_claude_plugin.py::test_an_idle_session_is_woken_within_a_second",
        (
            IDLE,
            "the session's inbox socket",
        ): "test_claude_socket.py::test_an_idle_session_is_woken_by_its_socket_sooner_than_by_its_bell",
        (
            APPROVAL,
            "PermissionRequest",
        ): "test_presence.py::test_a_session_is_seen_busy_waiting_idle_and_offline[claude]",
        (
            END,
            "StopFailure",
        ): "test_claude_drops.py::test_a_turn_that_failed_leaves_an_idle_session_whose_mail_is_carried_on",
        (END, "SessionEnd"): "test_claude_terminal.py::test_a_resumed_session_has_its_name_back_and_what_waited",
    },
    "codex": {
        (START, "SessionStart"): "test_codex.py::test_a_resumed_session_has_its_name_back_and_what_waited",
        (PROMPT, "UserPromptSubmit"): "test_codex.py::test_mail_between_two_prompts_is_in_the_next_one",
        (TOOL, "PostToolUse"): "test_codex.py::test_a_busy_session_reads_its_mail_between_tools_and_is_not_called",
        (STOP, "Stop"): "test_codex.py::test_headless_every_moment_reaches_the_model_once",
        (IDLE, "codex queue"): "test_codex.py::test_sessions_in_codexs_own_daemon_are_woken_at_once_and_apart",
        (
            APPROVAL,
            "PermissionRequest",
        ): "test_presence.py::test_a_session_is_seen_busy_waiting_idle_and_offline[codex]",
        (
            END,
            "Interrupt",
        ): "test_codex.py::test_an_interrupted_session_is_idle_and_reads_its_mail_with_the_next_prompt",
        (END, "SessionEnd"): "test_codex.py::test_a_resumed_session_has_its_name_back_and_what_waited",
    },
    "gemini": {
        (
            START,
            "SessionStart",
        ): "test_gemini.py::test_a_cleared_session_keeps_its_name_and_what_waits_is_in_its_next_prompt",
        (
            PROMPT,
            "BeforeAgent",
        ): "test_gemini.py::test_in_a_terminal_every_moment_reaches_the_model_once_and_an_idle_one_is_left_alone",
        (TOOL, "AfterTool"): "test_gemini.py::test_headless_every_moment_reaches_the_model_once",
        (STOP, "AfterAgent"): "test_gemini.py::test_headless_every_moment_reaches_the_model_once",
        (
            IDLE,
            "",
        ): "test_gemini.py::test_in_a_terminal_every_moment_reaches_the_model_once_and_an_idle_one_is_left_alone",
        (APPROVAL, "Notification"): "test_presence.py::test_a_session_is_seen_busy_waiting_idle_and_offline[gemini]",
        (
            END,
            "SessionEnd",
        ): "test_gemini.py::test_a_session_that_left_is_offline_and_a_resumed_one_has_its_name_and_what_waited",
    },
    "opencode": {
        (START, "chat.message"): "test_opencode.py::test_a_continued_session_has_its_name_and_what_waited",
        (PROMPT, "chat.message"): "test_opencode.py::test_a_note_to_a_channel_is_there_at_the_next_prompt",
        (
            TOOL,
            "tool.execute.after",
        ): "test_opencode.py::test_a_busy_session_is_not_interrupted_and_reads_its_mail_between_tools",
        (
            STOP,
            "experimental.text.complete",
        ): "test_opencode.py::test_mail_that_comes_with_the_last_words_of_a_turn_continues_it",
        (STOP, "session.idle"): "test_opencode.py::test_a_request_without_a_reply_is_named_once_at_the_end_of_the_turn",
        (
            IDLE,
            "session.promptAsync",
        ): "test_opencode.py::test_an_idle_session_is_woken_within_a_second_and_each_message_is_shown_once",
        (
            APPROVAL,
            "permission.asked, permission.replied",
        ): "test_presence.py::test_a_session_is_seen_busy_waiting_idle_and_offline[opencode]",
        (END, "dispose"): "test_opencode.py::test_leaving_makes_a_session_offline",
    },
    "copilot": {
        (START, "sessionStart"): "test_copilot.py::test_a_resumed_session_has_its_name_back_and_what_waited",
        (
            PROMPT,
            "userPromptSubmitted",
        ): "test_copilot.py::test_mail_between_two_prompts_is_in_the_next_one_and_wakes_nobody",
        (TOOL, "postToolUse"): "test_copilot.py::test_headless_every_moment_reaches_the_model_once",
        (STOP, "agentStop"): "test_copilot.py::test_headless_every_moment_reaches_the_model_once",
        (IDLE, ""): "test_copilot.py::test_mail_between_two_prompts_is_in_the_next_one_and_wakes_nobody",
        (
            APPROVAL,
            "permissionRequest",
        ): "test_presence.py::test_a_session_is_seen_busy_waiting_idle_and_offline[copilot]",
        (END, "sessionEnd"): "test_copilot.py::test_a_resumed_session_has_its_name_back_and_what_waited",
    },
}
