"""Run directory -> figures -> one HTML file. Reads, never fits."""

from spikecast.report.run.page import build

__all__ = ["build"]
