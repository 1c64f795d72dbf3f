"""What is drawn of a finished run, each figure with the rows that it draws."""
