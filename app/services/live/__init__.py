"""A live D1 database: opening one, the connections that a person has named, and their tokens."""

PREFIX = "d1:"
"""With it in front the name of a connection stands where a file may."""
