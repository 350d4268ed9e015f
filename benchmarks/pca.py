"""Principal axes: ours (Lanczos on the smaller Gram matrix) against scikit-learn's PCA solvers.

python benchmarks/pca.py
"""

import time

import numpy as np
from machine import describe
from sklearn.decomposition import PCA

from spikecast.models.preprocess import find_principal_axes

SHAPES = [(3_600, 650, 40), (60_000, 650, 40), (7_000, 3_000, 128)]  # sample, feature, component


def seconds(function) -> float:
    def once() -> float:
        started = time.perf_counter()
        function()
        return time.perf_counter() - started

    return min(once() for _ in range(3))


def main() -> None:
    print(describe())
    print("| samples x features, components | solver | s | ours faster by |\n|---|---|---|---|")
    rng = np.random.default_rng(0)
    for n_samples, n_features, n_components in SHAPES:
        latents = rng.normal(size=(n_samples, 20)) @ rng.normal(size=(20, n_features))
        x = (latents + 3 * rng.normal(size=latents.shape)).astype(np.float32)
        shape = f"{n_samples} x {n_features}, {n_components}"
        ours = seconds(lambda x=x, k=n_components: find_principal_axes(x, k))
        print(f"| {shape} | spikecast | {ours:.3f} | |")
        for solver in ("covariance_eigh", "randomized", "full"):
            pca = PCA(n_components, svd_solver=solver, random_state=0)
            theirs = seconds(lambda x=x, pca=pca: pca.fit(x))
            print(f"| {shape} | {solver} | {theirs:.3f} | {theirs / ours:.1f} |", flush=True)


if __name__ == "__main__":
    main()
