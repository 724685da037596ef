"""Mobile money: what providers send, read into facts, and what we ask of them, written as requests."""
