"""Simulated recordings whose truth is known."""

from spikecast.data.simulate.decision import decision_task, poisson_noise
from spikecast.data.simulate.imaging import spontaneous
from spikecast.data.simulate.planted import Simulated, Truth

__all__ = ["Simulated", "Truth", "decision_task", "poisson_noise", "spontaneous"]
