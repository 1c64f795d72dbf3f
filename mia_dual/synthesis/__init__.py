"""Shadow records for an attacker who owns none of the target's: one file a source of them."""
