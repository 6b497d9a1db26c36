"""The window: its files, search and retention, and the workspace of an open file."""
