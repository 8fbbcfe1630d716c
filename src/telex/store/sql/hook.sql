-- SQLite reads the client's payload and writes the answer: importing json would cost as much as the whole hook.

-- :valid
SELECT CASE WHEN json_valid(?1) THEN json_type(?1) = 'object' ELSE 0 END

-- :claude_payload  whatever type a field has, telex reads text
SELECT CAST(coalesce(json_extract(?1, '$.session_id'), '') AS TEXT), CAST(coalesce(json_extract(?1, '$.cwd'), '') AS TEXT),
       CAST(coalesce(json_extract(?1, '$.session_title'), '') AS TEXT),
       CAST(coalesce(json_extract(?1, '$.source'), '') AS TEXT), CAST(coalesce(json_extract(?1, '$.reason'), '') AS TEXT),
       json_extract(?1, '$.agent_id') IS NOT NULL, coalesce(json_extract(?1, '$.stop_hook_active'), 0) <> 0

-- :claude_context
SELECT json_object('hookSpecificOutput', json_object('hookEventName', ?, 'additionalContext', ?))

-- :claude_start
SELECT json_object('hookSpecificOutput', json_object('hookEventName', 'SessionStart', 'watchPaths', json_array(?)))

-- :claude_start_with_context
SELECT json_object('hookSpecificOutput',
                   json_object('hookEventName', 'SessionStart', 'watchPaths', json_array(?), 'additionalContext', ?))

-- :claude_watch
SELECT json_object('hookSpecificOutput', json_object('hookEventName', ?, 'watchPaths', json_array(?)))
