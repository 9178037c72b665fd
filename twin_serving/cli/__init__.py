"""The command line. Each command is thin."""
