"""The walks from a plan to findings: orchestration only."""
