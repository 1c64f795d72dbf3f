"""Membership inference attacks: fitted on references alone, scored on the target."""
