"""Decode trial labels: from whole trials, over time, across times."""
