-- SQLite reads the client's payload and writes the answer: importing json would cost as much as the whole hook.

-- :valid
SELECT CASE WHEN json_valid(?1) THEN json_type(?1) = 'object' ELSE 0 END

-- :payload  whatever type a field has, telex reads text
SELECT CAST(coalesce(json_extract(?1, '$.session_id'), '') AS TEXT), CAST(coalesce(json_extract(?1, '$.cwd'), '') AS TEXT),
       CAST(coalesce(json_extract(?1, '$.session_title'), '') AS TEXT),
       CAST(coalesce(json_extract(?1, '$.source'), '') AS TEXT), CAST(coalesce(json_extract(?1, '$.reason'), '') AS TEXT),
       json_extract(?1, '$.agent_id') IS NOT NULL, coalesce(json_extract(?1, '$.stop_hook_active'), 0) <> 0,
       CAST(coalesce(json_extract(?1, '$.prompt_id'), json_extract(?1, '$."turn_id"'), '') AS TEXT),
       CAST(coalesce(json_extract(?1, '$.transcript_path'), '') AS TEXT), coalesce(json_extract(?1, '$.interrupted'), 0) <> 0,
       coalesce(json_extract(?1, '$.one_shot'), 0) <> 0

-- :context
SELECT json_object('hookSpecificOutput', json_object('hookEventName', ?, 'additionalContext', ?))

-- :context_and_line  the same with a line for the person, which the model is not given
SELECT json_object('systemMessage', ?3, 'hookSpecificOutput', json_object('hookEventName', ?1, 'additionalContext', ?2))

-- :line  a line for the person alone
SELECT json_object('systemMessage', ?)

-- :camel_payload  the same in Copilot's words, which has no titles, and calls a start new after a /clear too
SELECT CAST(coalesce(json_extract(?1, '$.sessionId'), '') AS TEXT), CAST(coalesce(json_extract(?1, '$.cwd'), '') AS TEXT),
       '', iif(json_extract(?1, '$.source') = 'new', 'clear', CAST(coalesce(json_extract(?1, '$.source'), '') AS TEXT)), CAST(coalesce(json_extract(?1, '$.reason'), '') AS TEXT),
       json_extract(?1, '$.agentId') IS NOT NULL, coalesce(json_extract(?1, '$.stop_hook_active'), 0) <> 0, '', '', 0, 0

-- :plain_context  ?1 is the event, which this form does not name
SELECT json_object('additionalContext', ?2) WHERE ?1 <> ''

-- :block
SELECT json_object('decision', 'block', 'reason', ?2) WHERE ?1 <> ''

-- :deny
SELECT json_object('decision', 'deny', 'reason', ?2) WHERE ?1 <> ''

-- :bell_and_text  for OpenCode's plugin, which tests the bell itself
SELECT json_object('bell', ?1, 'text', ?2)

-- :is_call  whether a prompt is one that telex asked for: it begins so, or is Claude Code's word of a monitor's line that does
SELECT substr(coalesce(json_extract(?1, '$.prompt'), ''), 1, length(?2)) = ?2
       OR (substr(coalesce(json_extract(?1, '$.prompt'), ''), 1, 19) = '<task-notification>'
           AND instr(json_extract(?1, '$.prompt'), '<event>' || ?2) > 0)

-- :is_own  whether a prompt is a text of telex's that starts a turn, and names that message
SELECT (substr(trim(coalesce(json_extract(?1, '$.prompt'), '')), 1, 7) = 'telex: '
        OR substr(coalesce(json_extract(?1, '$.prompt'), ''), 1, 19) = '<task-notification>')
       AND instr(json_extract(?1, '$.prompt'), ?2) > 0

-- :conversation  the lines of a transcript that say something of a message or of an answer: whether each names it,
-- and whether it is the model's answer, or the note that its person interrupted it
SELECT instr(value, ?2) > 0 AND json_extract(value, '$.type') IN ('user', 'attachment'),
       (json_extract(value, '$.type') = 'assistant' AND NOT coalesce(json_extract(value, '$.isApiErrorMessage'), 0))
       OR (json_extract(value, '$.type') = 'user'
           AND substr(coalesce(json_extract(value, '$.message.content[0].text'), ''), 1, 20) = '[Request interrupted')
FROM json_each(?1) WHERE coalesce(json_extract(value, '$.isSidechain'), 0) = 0

-- :gemini_entry  what an entry of Gemini CLI's record is, and whether it is an answer that asks for no tool
SELECT CAST(coalesce(json_extract(?1, '$.type'), '') AS TEXT),
       coalesce(json_extract(?1, '$.type') = 'gemini' AND json_extract(?1, '$.toolCalls') IS NULL, 0)

-- :waking_senders  whose mail waits and wakes, and which it is
SELECT m.sender_name, m.n FROM delivery d JOIN message m ON m.n = d.message
WHERE d.recipient = ? AND d.state = 'queued' AND d.wakes = 1 LIMIT ?

-- :claude_socket  where a session's own socket is and what it does, in its client's record of the process
SELECT CAST(coalesce(json_extract(?1, '$.messagingSocketPath'), '') AS TEXT),
       CAST(coalesce(json_extract(?1, '$.status'), '') AS TEXT)
WHERE CASE WHEN json_valid(?1) THEN json_extract(?1, '$.sessionId') = ?2 AND json_extract(?1, '$.peerProtocol') = 1 END

-- :claude_message  a line for that socket
SELECT json_object('type', 'user', 'message', json_object('role', 'user', 'content', ?1), 'from', ?2, 'priority', 'next')

-- :claude_start
SELECT json_object('hookSpecificOutput', json_object('hookEventName', 'SessionStart', 'watchPaths', json_array(?)))

-- :claude_start_with_context
SELECT json_object('hookSpecificOutput',
                   json_object('hookEventName', 'SessionStart', 'watchPaths', json_array(?), 'additionalContext', ?))

-- :claude_watch
SELECT json_object('hookSpecificOutput', json_object('hookEventName', ?, 'watchPaths', json_array(?)))

-- :sent_with_tool  to whom, and what, a client's own tool for messages sent; with what telex keeps of how that went
SELECT CAST(coalesce(json_extract(?1, '$.tool_input.to'), '') AS TEXT),
       CAST(coalesce(json_extract(?1, '$.tool_input.message'), '') AS TEXT),
       json_patch(json_object('tool', ?2, 'success', json(iif(json_extract(?1, '$.tool_response.success') = 1, 'true', 'false'))),
                  iif(json_extract(?1, '$.agent_id') IS NULL, '{}', '{"subagent":true}'))
WHERE json_extract(?1, '$.tool_name') = ?2
