"""Public benchmarks of the field, by their own definitions.

The Neural Latents Benchmark (Pei et al. 2021): predict held-out neurons, and the bins after a
trial, from held-in neurons.

>>> import spikecast as sc
>>> recording = sc.simulate.lorenz(40, 12, n_conditions=4, n_bins=30).recording
>>> data = sc.benchmarks.split_nlb(recording)  # or sc.benchmarks.read_nlb("train_input.h5", ...)
>>> result = sc.benchmarks.nlb(data, "pca_ridge", held_in=sc.models.TimescalesAutoencoder(epochs=1))
>>> result.scores.columns.tolist()
['score', 'null', 'value', 'low', 'high']
"""

from spikecast.evaluation.nlb import NLBResult, nlb, score_nlb
from spikecast.evaluation.nlb_data import NLBData, split_nlb
from spikecast.evaluation.nlb_read import read_nlb

__all__ = ["NLBData", "NLBResult", "nlb", "read_nlb", "score_nlb", "split_nlb"]
