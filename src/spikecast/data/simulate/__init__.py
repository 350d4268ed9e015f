"""Simulated recordings whose truth is known, so that what an analysis reports can be judged.

:func:`decision_task` makes a multi-area recording of a visual decision task in the layout of the
Steinmetz data, :func:`spontaneous` a two-photon-like recording in that of the Stringer data,
:func:`running_mouse` the same of an animal whose running changes over the session,
:func:`lorenz` a population driven by a chaotic attractor, :func:`unrelated_areas` areas that share
nothing but what is asked for, and :func:`poisson_noise` a recording with nothing in it.
"""

from spikecast.data.simulate.decision import decision_task, poisson_noise
from spikecast.data.simulate.effects import Effects
from spikecast.data.simulate.imaging import running_mouse, spontaneous
from spikecast.data.simulate.lorenz import lorenz
from spikecast.data.simulate.planted import Simulated, Truth
from spikecast.data.simulate.raw import raw_session
from spikecast.data.simulate.unrelated import unrelated_areas

__all__ = [
    "Effects", "Simulated", "Truth", "decision_task", "lorenz", "poisson_noise", "raw_session",
    "running_mouse", "spontaneous", "unrelated_areas",
]  # fmt: skip
