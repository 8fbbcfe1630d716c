-- Mail for those who come later.

-- Mail for a name that several have elsewhere: its sender was told so, and it goes to none of them by itself.
CREATE TABLE undecided (
    message   INTEGER NOT NULL,
    recipient INTEGER NOT NULL,
    PRIMARY KEY (message, recipient)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER undecided_removed AFTER DELETE ON delivery
BEGIN
    DELETE FROM undecided WHERE message = old.message AND recipient = old.recipient;
END;
