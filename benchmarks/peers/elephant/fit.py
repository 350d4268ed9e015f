"""GPFA of the source, then a Poisson regression from its latents to each target.

GPFA takes spike trains: each spike is laid in the middle of its bin. Sources below 1 Hz are left
out, as GPFA needs a covariance of full rank. It is fitted to training trials and applied to test
trials, the second scenario of its documentation.
"""

import neo
import numpy as np
import quantities as pq
from elephant.gpfa import GPFA
from latent_readout import regress_on_latents

BIN = 10.0  # ms


def make_spike_trains(trials):
    middles = (np.arange(trials.shape[1]) + 0.5) * BIN
    return [
        [
            neo.SpikeTrain(np.repeat(middles, counts), t_stop=trials.shape[1] * BIN, units="ms")
            for counts in trial.T.astype(int)
        ]
        for trial in trials
    ]


def predict_rates(source, target, source_test):
    fires = source.mean(axis=(0, 1)) > 1.0 * BIN / 1000
    gpfa = GPFA(bin_size=BIN * pq.ms, x_dim=20, em_max_iters=50)
    gpfa.fit(make_spike_trains(source[..., fires]))
    latents, latents_test = (
        np.stack([one.T for one in gpfa.transform(make_spike_trains(trials[..., fires]))])
        for trials in (source, source_test)
    )
    return regress_on_latents(latents, target, latents_test)
