"""One module a command: its docstring is the help, `add_arguments(parser)` and `run(options)` the rest.

`run` returns the exit status. `app.cli` lists the commands and says every expected failure.
"""
