"""The command line: thin, and quick to answer, since it imports what a command needs when it runs."""
