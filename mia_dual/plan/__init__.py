"""What a run will do, decided before anything trains: who sees what, and what is deleted."""
