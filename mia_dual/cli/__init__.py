"""The command line: thin, and quick to answer, since a command imports what it needs itself."""
