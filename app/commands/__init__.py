"""A command is a function; its docstring is the help, `<name>_arguments(parser)` beside it what it takes.

It returns the exit status. `app.cli` lists the commands and says every expected failure.
"""
