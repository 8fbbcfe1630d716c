"""What link and relay say to each other: envelopes, membership records, and the requests of the HTTP API.

Rule kept here: types and their bytes only; nothing here opens, signs, stores or sends.
"""
