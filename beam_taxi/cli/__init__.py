"""The command line: one module a command. A module whose name begins with an underscore is no command."""
