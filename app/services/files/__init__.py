"""Database files: found, opened, described, made, imported, copied, restored."""
