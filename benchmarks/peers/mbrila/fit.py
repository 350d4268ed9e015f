"""mDLAG of source and target, then a Poisson regression from its latents to each target.

As in the library's V1-V2 example: counts smoothed and z-scored, started from probabilistic CCA,
fitted in the frequency domain; neurons are held out of the inference by setting their precision
near 0. Here these are all targets, in training trials too, so that latents come from the source.
"""

import numpy as np
import torch
from latent_readout import regress_on_latents
from mbrila import MDLAG, ARDPriorConfig, LatentSpec, MOSEKernel, MultiRegionData, VEMARDFreqEngine
from scipy.ndimage import gaussian_filter1d

N_LATENTS = 20


def z_score(smooth, like):
    return (smooth - like.mean(axis=(0, 1))) / (like.std(axis=(0, 1)) + 1e-6)


def predict_rates(source, target, source_test):
    torch.manual_seed(0)
    y_dims = (source.shape[2], target.shape[2])
    x, x_test, y = (gaussian_filter1d(one, 3.0, axis=1) for one in (source, source_test, target))
    x_test, x, y = z_score(x_test, x), z_score(x, x), z_score(y, y)

    def make_data(x, y):
        return MultiRegionData(y=torch.tensor(np.concatenate([x, y], axis=2)), y_dims=y_dims)

    model = MDLAG(
        latent_spec=LatentSpec(
            n_across=N_LATENTS,
            n_within=(0, 0),
            selection="ard",
            ard_prior=ARDPriorConfig(shape=1e-3, rate=1e-3),
        ),
        y_dims=y_dims,
        T=source.shape[1],
        kernel_factory_across=lambda: MOSEKernel(num_regions=2, init_sigma=0.1),
        engine="freq",
        engine_override=VEMARDFreqEngine(max_lbfgs_iter=40, lbfgs_history=15),
        device="cpu",
    )
    train = make_data(x, y)
    model.initialize_from_data(train)
    model.fit(train, max_iter=100, tol=1e-8)
    with torch.no_grad():
        model.observation.phi_mean[y_dims[0] :] = 1e-10
        latents, latents_test = (
            model.infer(make_data(x, np.zeros((*x.shape[:2], y_dims[1]))))
            .mean[..., N_LATENTS:]  # as the target sees them, delayed
            .numpy()
            for x in (x, x_test)
        )
    return regress_on_latents(latents, target, latents_test)
