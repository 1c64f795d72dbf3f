"""The report page of finished runs, and its words in every language."""
