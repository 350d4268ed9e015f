"""LFADS as an estimator: x is encoded, x and y are read out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from spikecast.core.checks import check_in_range
from spikecast.models.base import RATE_FLOOR, is_counts
from spikecast.models.neural import NeuralModel, pick_settings
from spikecast.models.preprocess import PopulationFeatures
from spikecast.models.spaces import Between, Space

if TYPE_CHECKING:
    from spikecast.models.networks.lfads import LFADSNet
    from spikecast.models.networks.network import Network

INPUT_SCALE = 3.0  # of the first principal component; smaller inputs take more steps to be noticed


@dataclass(eq=False, repr=False)
class LFADS(NeuralModel):
    """Latent factor analysis via dynamical systems: a generator network that explains each trial.

    A bidirectional encoder reads the source activity of a whole trial and infers where a recurrent
    generator starts and, bin by bin, what input it gets; factors are a linear readout of the
    generator, log rates one of the factors. The source activity is reconstructed from elements that
    the encoder did not see (coordinated dropout); the targets have a readout that is learnt but are
    never encoded. Where `x` and `y` are the same array, the model autoencodes and the rates are
    those of the encoded neurons. Latents are acausal.

    Parameters
    ----------
    n_factors, n_generator, n_encoder, n_initial : int
        Sizes of factors, generator, encoder (per direction) and initial condition.
    n_controller, n_inputs : int
        Sizes of the controller and of the inferred inputs; with 0 inputs the generator runs by
        itself from its initial condition.
    n_members : int
        Networks, each stopped on another fifth of the training trials. Their log rates are
        averaged; what else they infer stands side by side. One alone predicts new trials worse;
        take 1 to look at the generator itself.
    width : float
        Standard deviation in bins of the Gaussian that smooths what is encoded; 0 leaves it raw.
    n_components : int
        Size of the encoder's linear read-in, which starts as the principal components of x.
    dropout : float
        Of encoder and generator states.
    coordinated_dropout : float
        Part of the source elements (trial, bin, neuron) hidden in training.
    kl_weight : float
        Of the divergences of the posteriors from their priors; 1 is the evidence lower bound,
        which is right where the data are plenty and the dynamics simple.
    kl_warmup : float
        Part of training over which that weight rises from 0.
    {training}
    min_steps : int
        Few trials make few steps in a pass: there are as many passes as it takes to get here.
    {patience}
    {device}

    Attributes
    ----------
    autoencodes_ : bool
        Whether x and y were the same.

    References
    ----------
    Sussillo et al. 2016 (arXiv 1608.06315); Pandarinath et al. 2018, Nature Methods; Keshtkaran &
    Pandarinath 2019, NeurIPS (coordinated dropout).

    Examples
    --------
    >>> counts = np.random.default_rng(0).poisson(0.3, (12, 20, 6))
    >>> model = LFADS(n_inputs=1, n_generator=8, n_members=1, epochs=1, min_steps=1)
    >>> model = model.fit(counts, counts)
    >>> {name: array.shape for name, array in model.outputs(counts[:2]).items()}
    ... # doctest: +NORMALIZE_WHITESPACE
    {'rates': (2, 20, 6), 'factors': (2, 20, 40), 'initial_condition': (2, 32),
     'inferred_inputs': (2, 20, 1)}
    """

    title = "LFADS"
    about = "a generator network, started and driven by what an encoder infers from each trial"
    paper = "Pandarinath et al. 2018"
    search_space: ClassVar[Space] = {
        "width": Between(1.0, 5.0, log=True),
        "n_components": Between(10, 120, log=True),
        "n_factors": Between(5, 80, log=True),
        "n_generator": Between(32, 128, log=True),
        # what the controller may tell the generator while a trial runs
        "n_inputs": Between(1, 16),
        # the prior that its posteriors are held to: too strong and no input is ever used
        "kl_weight": Between(0.01, 1.0, log=True),
        "dropout": Between(0.0, 0.6),
        "coordinated_dropout": Between(0.1, 0.6),
        "learning_rate": Between(2e-3, 3e-2, log=True),
    }

    n_factors: int = 40
    n_generator: int = 64
    n_encoder: int = 64
    n_initial: int = 32
    n_controller: int = 32
    n_inputs: int = 12
    n_members: int = 5
    width: float = 2.0
    n_components: int = 40
    dropout: float = 0.3
    coordinated_dropout: float = 0.3
    kl_weight: float = 0.1
    kl_warmup: float = 0.3
    epochs: int = 50
    min_steps: int = 400
    batch_size: int = 16
    learning_rate: float = 0.01
    weight_decay: float = 0.1
    patience: int | None = None
    device: str = "auto"
    seed: int = 0

    def outputs(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Return everything the model infers, by name; posterior means throughout.

        Returns
        -------
        dict
            ``rates`` (trial, time, target), ``factors`` (trial, time, factor),
            ``initial_condition`` (trial, initial), ``inferred_inputs`` (trial, time, input); all
            but rates with one member after the other on the last axis.
        """
        z = self._prepare_inputs(self._check_sources(x))
        initial = self._run_network(z, "initial_condition")  # (member, trial, initial)
        inputs = self._run_network(z, "inferred_inputs")  # (member, trial, time, input)
        return {
            "rates": self.predict(x),
            "factors": self.transform(x),
            "initial_condition": initial.movedim(0, -2).flatten(-2).numpy(),
            "inferred_inputs": inputs.movedim(0, -2).flatten(-2).numpy(),
        }

    def _make_examples(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        check_in_range("n_members", self.n_members, 1)
        check_in_range("n_inputs", self.n_inputs, 0)
        # an autoencoder is scored on what is hidden, and encodes what is not
        check_in_range("coordinated_dropout", self.coordinated_dropout, 0.05, 0.95)
        self.autoencodes_ = bool(np.array_equal(x, y))
        return super()._make_examples(x, y)

    def _fit_inputs(self, x: np.ndarray) -> np.ndarray:
        self.source_counts_ = is_counts(x)
        self.source_mean_ = x.mean(axis=(0, 1), dtype=np.float64)
        self.source_scale_ = np.ones(x.shape[2])
        if not self.source_counts_:
            self.source_scale_ = np.maximum(x.std(axis=(0, 1), dtype=np.float64), 1e-6)
        z = self._prepare_inputs(x)
        components = PopulationFeatures((max(self.width, 1.0),), self.n_components).fit(z)
        self.readin_ = INPUT_SCALE * components.axes_[0].T  # (source, component)
        return z

    def _prepare_inputs(self, x: np.ndarray) -> np.ndarray:
        """Return counts as they are, for their likelihood, and other activity standardised."""
        if self.source_counts_:
            return x.astype(np.float32)
        return ((x - self.source_mean_) / self.source_scale_).astype(np.float32)

    def _build_network(self, n_features: int, n_targets: int) -> "Network":
        from spikecast.models.networks.members import Members

        networks = [self._build_member(n_features, n_targets) for _ in range(self.n_members)]
        return networks[0] if self.n_members == 1 else Members(networks)

    def _build_member(self, n_features: int, n_targets: int) -> "LFADSNet":
        from spikecast.models.networks.generators import choose_generator
        from spikecast.models.networks.lfads import LFADSNet

        generator = choose_generator(self.n_generator, self.n_controller, self.n_inputs)
        return LFADSNet(
            self._kind,
            n_features,
            n_targets,
            generator,
            source_kind="counts" if self.source_counts_ else "continuous",
            autoencodes=self.autoencodes_,
            n_readin=self.readin_.shape[1],
            **pick_settings(self, LFADSNet),
        )

    def _initialize(self, network: "Network") -> None:
        """Set the read-in to principal components, and the offsets to mean rates."""
        for net in getattr(network, "networks", [network]):
            self._initialize_member(net)

    def _initialize_member(self, net: "LFADSNet") -> None:
        net.readin.copy_(net.readin.new_tensor(self.readin_))
        offsets = [self.center_ if self.counts_ else np.zeros(self.n_targets_)]
        sources = np.zeros(self.n_sources_)
        if self.source_counts_:
            net.input_center.copy_(net.input_center.new_tensor(self.source_mean_))
            sources = np.log(np.maximum(self.source_mean_, RATE_FLOOR))
        if not self.autoencodes_:
            offsets.insert(0, sources)
        net.offset.copy_(net.offset.new_tensor(np.concatenate(offsets)))
