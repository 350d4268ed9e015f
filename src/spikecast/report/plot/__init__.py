"""Figures of recordings and results, for a notebook: each function returns a matplotlib Figure.

>>> import spikecast as sc
>>> figure = sc.plot.raster(sc.load("simulated"), trial=0)

With ``ax=`` they draw into axes of yours, so that several stand in one figure:

>>> from matplotlib.figure import Figure
>>> mine = Figure()
>>> left, right = mine.subplots(1, 2)
>>> sc.plot.raster(sc.load("simulated"), trial=0, ax=left) is mine
True
"""

from spikecast.report.plot.activity import raster, scores
from spikecast.report.plot.areas import covariation, flow, parts, subspace
from spikecast.report.plot.decoding import confusion, matrix, onsets
from spikecast.report.plot.geometry import (
    alignment,
    cell_types,
    dimensions,
    embedding,
    latents,
    trajectories,
    tuning,
)
from spikecast.report.plot.relations import pairs, shared_dynamics

__all__ = [
    "alignment",
    "cell_types",
    "confusion",
    "covariation",
    "dimensions",
    "embedding",
    "flow",
    "latents",
    "matrix",
    "onsets",
    "pairs",
    "parts",
    "raster",
    "scores",
    "shared_dynamics",
    "subspace",
    "trajectories",
    "tuning",
]
