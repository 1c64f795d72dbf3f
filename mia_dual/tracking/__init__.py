"""What a run found, sent to where people keep the runs of everything else they train.

A tracker is told of a run when it is finished, so that none can change what it finds.
"""
