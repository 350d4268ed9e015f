"""Pages about several runs: comparison, index."""
