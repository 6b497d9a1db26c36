"""The window: its actions, files, history, search and retention, and the workspace of an open file."""
