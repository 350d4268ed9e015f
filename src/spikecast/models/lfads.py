"""LFADS as an estimator."""

from functools import partial

import numpy as np
import torch

from spikecast.models.base import is_counts
from spikecast.models.neural import NeuralModel
from spikecast.nn.lfads import LFADS as LFADSNet
from spikecast.nn.lfads import Autonomous, Controlled
from spikecast.nn.network import Network
from spikecast.nn.training import Plan
from spikecast.preprocess import PopulationFeatures


class LFADS(NeuralModel):
    about = "generator network started (and driven) by what an encoder infers from each trial"
    paper = "Pandarinath et al. 2018"

    def __init__(
        self,
        n_factors: int = 20,
        n_generator: int = 64,
        n_encoder: int = 64,
        n_initial: int = 32,
        n_controller: int = 32,
        n_inputs: int = 4,
        n_components: int = 40,
        width: float = 2.0,
        dropout: float = 0.2,
        coordinated_dropout: float = 0.3,
        source_weight: float = 1.0,
        kl_weight: float = 1.0,
        kl_warmup: float = 0.3,
        epochs: int = 60,
        min_steps: int = 600,
        batch_size: int = 16,
        learning_rate: float = 0.005,
        weight_decay: float = 0.1,
        patience: int | None = None,
        pca=True,
        device: str = "auto",
        seed: int = 0,
    ) -> None:
        for k, v in list(locals().items()):
            if k != "self":
                setattr(self, k, v)

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        self.autoencodes_ = bool(np.array_equal(x, y))
        super()._fit(x, y)

    def _inputs(self, x: np.ndarray) -> np.ndarray:
        self.source_counts_ = is_counts(x)
        self.source_mean_ = x.mean(axis=(0, 1), dtype=np.float64)
        self.source_scale_ = np.ones(x.shape[2]) if self.source_counts_ else np.maximum(x.std(axis=(0, 1)), 1e-6)
        z = self._prepared(x)
        pca = PopulationFeatures((self.width,), self.n_components).fit(z)
        self.axes = pca.axes_[0]
        return z

    def _prepared(self, x: np.ndarray) -> np.ndarray:
        if self.source_counts_:
            return x.astype(np.float32)
        return ((x - self.source_mean_) / self.source_scale_).astype(np.float32)

    def _build(self, n_features: int, n_targets: int) -> Network:
        if self.n_inputs:
            generator = partial(Controlled, n_generator=self.n_generator, n_controller=self.n_controller, n_inputs=self.n_inputs)
        else:
            generator = partial(Autonomous, n_generator=self.n_generator)
        return LFADSNet(
            "counts" if self.counts_ else "continuous",
            n_features, n_targets, generator,
            "counts" if self.source_counts_ else "continuous",
            self.autoencodes_,
            min(self.n_components, n_features),
            self.n_encoder, self.n_initial, self.n_factors, self.dropout, self.coordinated_dropout,
            self.source_weight, self.kl_weight, self.kl_warmup,
        )

    def _initialize(self, network: Network) -> None:
        sources = np.zeros(self.n_sources_)
        if self.source_counts_:
            network.input_center.copy_(torch.as_tensor(self.source_mean_))
            sources = np.log(np.maximum(self.source_mean_, 1e-4))
        center = self.center_ if self.counts_ else np.zeros(self.n_targets_)
        network.offset.copy_(torch.as_tensor(center if self.autoencodes_ else np.concatenate([sources, center])))
        if self.pca:
            a = torch.as_tensor(self.axes)
            network.readin.zero_()
            network.readin[:, : len(a)] = a.T * self.pca

    def _plan(self) -> Plan:
        return Plan(
            epochs=self.epochs, min_steps=self.min_steps,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            patience=self.patience,
        )

    def outputs(self, x):
        x = self._known(x)
        return {
            "rates": self._predict(x),
            "factors": self._transform(x),
            "initial_condition": self._outputs(x, "initial_condition")[0].numpy(),
            "inferred_inputs": self._outputs(x, "inferred_inputs")[0].numpy(),
        }
