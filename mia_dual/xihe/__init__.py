"""Training jobs on the Xihe platform: the folder that is uploaded, and what its boot file does."""
