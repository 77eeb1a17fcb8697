"""The command line: one module a command, which has its text, its flags and what it does; see _commands.Command.

A module whose name begins with an underscore is no command. None imports anything heavy before it runs.
"""
