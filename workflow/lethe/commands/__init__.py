"""The verbs of the command line, one a file: HELP, add_arguments(parser), run(arguments)."""
