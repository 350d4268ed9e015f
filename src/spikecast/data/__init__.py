"""Recordings: loading, binning, checking and simulating them."""

from spikecast.data import simulate
from spikecast.data.loaders import load, load_all, open_sessions
from spikecast.data.recording import Recording

__all__ = ["Recording", "load", "load_all", "open_sessions", "simulate"]
