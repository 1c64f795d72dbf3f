"""What the report page of a run draws, one file a picture; no figure is computed again."""
