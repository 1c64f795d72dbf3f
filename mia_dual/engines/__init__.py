"""Where a backend's work is done when it is not done in the process that asks for it."""
