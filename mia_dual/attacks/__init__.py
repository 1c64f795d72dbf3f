"""Membership inference attacks: fitted on shadow models alone, scored on the target."""
