"""The audit chain: its rules, and what reads, verifies, prunes and keeps it (README.md)."""
