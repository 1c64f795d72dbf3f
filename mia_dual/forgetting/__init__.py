"""How completely deleted records were forgotten, and what deleting them gives away.

Targets were trained on random halves of the same records; then each deleted those of a fixed pool
that were its members. So of every record of the pool about half of the targets saw it and deleted
it, and half never saw it. ``deleted`` is (targets, records) bool, who deleted it, ``scores``
(targets, records) float64, the higher the more a member, a record in the same column throughout;
``asked`` (targets, records) bool says which pairs of target and record count, all where it is None.
"""
