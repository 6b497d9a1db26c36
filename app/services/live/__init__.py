"""A live D1 database: the connections to it that a person has named, and the tokens for them."""

PREFIX = "d1:"
"""With it in front the name of a connection stands where a file may."""
