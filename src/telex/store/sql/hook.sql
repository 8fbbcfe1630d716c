-- SQLite reads the client's payload and writes the answer: importing json would cost as much as the whole hook.

-- :valid
SELECT CASE WHEN json_valid(?1) THEN json_type(?1) = 'object' ELSE 0 END

-- :payload  whatever type a field has, telex reads text
SELECT CAST(coalesce(json_extract(?1, '$.session_id'), '') AS TEXT), CAST(coalesce(json_extract(?1, '$.cwd'), '') AS TEXT),
       CAST(coalesce(json_extract(?1, '$.session_title'), '') AS TEXT),
       CAST(coalesce(json_extract(?1, '$.source'), '') AS TEXT), CAST(coalesce(json_extract(?1, '$.reason'), '') AS TEXT),
       json_extract(?1, '$.agent_id') IS NOT NULL, coalesce(json_extract(?1, '$.stop_hook_active'), 0) <> 0

-- :context
SELECT json_object('hookSpecificOutput', json_object('hookEventName', ?, 'additionalContext', ?))

-- :camel_payload  the same in Copilot's words, which has neither titles nor subagents' marks
SELECT CAST(coalesce(json_extract(?1, '$.sessionId'), '') AS TEXT), CAST(coalesce(json_extract(?1, '$.cwd'), '') AS TEXT),
       '', CAST(coalesce(json_extract(?1, '$.source'), '') AS TEXT), CAST(coalesce(json_extract(?1, '$.reason'), '') AS TEXT),
       json_extract(?1, '$.agentId') IS NOT NULL, coalesce(json_extract(?1, '$.stop_hook_active'), 0) <> 0

-- :plain_context  ?1 is the event, which this form does not name
SELECT json_object('additionalContext', ?2) WHERE ?1 <> ''

-- :block
SELECT json_object('decision', 'block', 'reason', ?2) WHERE ?1 <> ''

-- :deny
SELECT json_object('decision', 'deny', 'reason', ?2) WHERE ?1 <> ''

-- :claude_start
SELECT json_object('hookSpecificOutput', json_object('hookEventName', 'SessionStart', 'watchPaths', json_array(?)))

-- :claude_start_with_context
SELECT json_object('hookSpecificOutput',
                   json_object('hookEventName', 'SessionStart', 'watchPaths', json_array(?), 'additionalContext', ?))

-- :claude_watch
SELECT json_object('hookSpecificOutput', json_object('hookEventName', ?, 'watchPaths', json_array(?)))
