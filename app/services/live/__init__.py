"""A live D1 database: opening one, the connections that a person has named, and their tokens."""

VARIABLE = "CLOUDFLARE_API_TOKEN"
"""Of the environment, with a token: no process that is started here has it from this one."""
PREFIX = "d1:"
"""With it in front the name of a connection stands where a file may."""
