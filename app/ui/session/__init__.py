"""One open file, as its tabs and dialogs know it: to read, to act, to verify, and what runs for it."""
