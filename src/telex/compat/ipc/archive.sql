-- What is read of claude-ipc-mcp's messages.db.
SELECT id, from_id, to_id, content, timestamp, data, summary, large_file_path, read_flag FROM messages ORDER BY id
