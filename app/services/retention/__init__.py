"""Removes what is older than the retention period: planned, confirmed by a person, and carried out."""
