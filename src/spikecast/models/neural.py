"""Base class of models that are networks: population features in, log rates (or means) out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator

from spikecast.core.errors import InputError
from spikecast.models.base import Model
from spikecast.models.inner_cv import note_validation, split_inner_folds
from spikecast.models.networks.plan import Plan
from spikecast.models.preprocess import PopulationFeatures
from spikecast.models.spaces import Between, OneOf
from spikecast.tasks.splits import Fold

if TYPE_CHECKING:  # torch takes seconds to import: only what builds or runs a network needs it
    from torch import Tensor

    from spikecast.models.networks.network import Network

VALID_PARTS = 5  # a member is stopped on one fifth of the training trials
CHUNK = 64  # trials per pass when predicting

NETWORK_SPACE: dict[str, Between | OneOf] = {
    "widths": OneOf(((1.0,), (3.0,), (1.0, 3.0), (2.0, 6.0), (1.0, 3.0, 8.0), (1.0, 4.0, 16.0))),
    # directions of the source that the network sees: few leave out, many overfit short recordings
    "n_components": Between(10, 120, log=True),
    # the two that hold a network back from learning the training trials by heart
    "dropout": Between(0.0, 0.7),
    "weight_decay": Between(0.01, 2.0, log=True),
    # too large diverges, too small is stopped before it has learnt
    "learning_rate": Between(1e-3, 3e-2, log=True),
}
LATENT_SPACE: dict[str, Between | OneOf] = NETWORK_SPACE | {
    # what the network can keep in mind
    "n_latents": Between(8, 96, log=True),
    # time scales built on time scales; more rarely pay on some hundred trials
    "n_layers": Between(1, 2),
}
# stopped by its validation trials or not: epochs bound how far a network that is not gets
EPOCHS = Between(6, 40, log=True)


def pick_settings(model: BaseEstimator, build: Callable[..., object]) -> dict[str, Any]:
    """Return those settings of a model that `build` has an argument for, by name."""
    known = signature(build).parameters
    return {name: value for name, value in model.get_params(deep=False).items() if name in known}


class NeuralModel(Model):
    """Base class: trains a network with the one training loop, and predicts with it.

    A subclass builds the network (``_build_network``); where population features are not its input,
    it also implements ``_fit_inputs`` and ``_prepare_inputs``.

    Fitted are `network_`, the `sizes_` it was built with, `training_` (a dict of
    :class:`spikecast.models.networks.plan.History`), and `center_` and `scale_` of the targets: log
    of the mean count, and 1; for continuous targets their mean and standard deviation.
    """

    widths: Sequence[float]
    n_components: int
    device: str
    seed: int
    held_out_parts = 0
    fit_record = ("training_",)
    _input_scale = np.float32(1.0)

    def _fit_inputs(self, x: np.ndarray) -> np.ndarray:
        """Learn the preprocessing and return the network's input, (trial, time, feature)."""
        self.features_ = self._make_features()
        return self.features_.fit_transform(x) * self._input_scale

    def _make_features(self) -> PopulationFeatures:
        """Return the preprocessing, not fitted yet."""
        return PopulationFeatures(self.widths, self.n_components, self.causal)

    def _prepare_inputs(self, x: np.ndarray) -> np.ndarray:
        """Return the network's input with the preprocessing learnt before."""
        return self.features_.transform(x) * self._input_scale

    def _build_network(self, n_features: int, n_targets: int) -> "Network":
        """Return the network, its weights drawn at random."""
        raise NotImplementedError

    def _initialize(self, network: "Network") -> None:
        """Set weights that do not start at random values."""
        self._set_offset(network.offset)

    def _set_offset(self, offset: "Tensor") -> None:
        """Set the output to the mean rate; to learn that would take thousands of steps."""
        if self.counts_:
            offset += offset.new_tensor(self.center_)

    def _make_plan(self) -> Plan:
        """Return how to train: with the model's settings, else with defaults."""
        return Plan(**pick_settings(self, Plan))

    def _make_member_folds(self, n_trials: int) -> list[Fold]:
        """Return a fold per network: each stops on another part of the training trials.

        Where parts are held out these networks come first; members learn from all trials, and stop
        where the others do.
        """
        parts = self._split_parts(n_trials)
        n_stopped = self.held_out_parts or self._count_members()
        folds = [parts[number % len(parts)] for number in range(n_stopped)]
        whole = Fold(np.arange(n_trials), np.array([], dtype=int))
        return folds + [whole] * (self._count_networks() - n_stopped)

    def _split_parts(self, n_trials: int) -> list[Fold]:
        """Return the parts of the training trials that networks are stopped on."""
        if self.held_out_parts == 1:
            raise InputError("held_out_parts is 1: nothing is left to learn from; take 0, or 2")
        return split_inner_folds(n_trials, self.held_out_parts or VALID_PARTS, self.seed)

    def _count_members(self) -> int:
        """Return how many networks predict together; in context each trial is held out from one."""
        stopped = getattr(self, "context", "off") != "off" and self.held_out_parts == 0
        return max(getattr(self, "n_members", 1), VALID_PARTS if stopped else 1)

    def _count_networks(self) -> int:
        """Return how many networks are trained: the members, and those that hold out a part."""
        return self.held_out_parts + self._count_members()

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        self._train(self._start_network, *self._make_examples(x, y))

    def _make_examples(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Learn the preprocessing; return input and target of the network, float32."""
        z = self._fit_inputs(x)
        y = y.astype(np.float32)
        mean = y.mean(axis=(0, 1), dtype=np.float64)
        if self.counts_:
            self.center_ = np.log(np.maximum(mean, 0.5 / (y.shape[0] * y.shape[1])))
            self.scale_ = np.ones_like(mean)
        else:
            self.center_, self.scale_ = mean, np.maximum(y.std(axis=(0, 1)), 1e-6)
            y = ((y - self.center_) / self.scale_).astype(np.float32)
        self.sizes_ = {"n_features": z.shape[2], "n_targets": y.shape[2]}
        return z, y

    def _start_network(self) -> "Network":
        """Return the network as training starts with it."""
        import torch

        network = self._build_network(**self.sizes_)
        with torch.no_grad():
            self._initialize(network)
        return network

    def _train(self, build: Callable[[], "Network"], z: np.ndarray, y: np.ndarray) -> None:
        """Train the network that `build` makes, and keep it."""
        from spikecast.models.networks.training import pick_device, train_network

        folds = self._make_member_folds(len(z))
        for fold in folds:
            note_validation(fold.test)
        device = pick_device(self.device)
        self.network_, history = train_network(
            build, z, y, folds, self._make_plan(), self.seed, device
        )
        self.training_ = asdict(history)

    def _run_network(self, z: np.ndarray, function: str) -> "Tensor":
        """Return what a method of the members gives, (member, trial, time, output)."""
        return self._run_networks(z, function)[self.held_out_parts :]

    def _run_networks(self, z: np.ndarray, function: str) -> "Tensor":
        """Return what a method of all networks gives: those that hold out a part come first."""
        import torch

        from spikecast.models.networks.training import pick_device

        device, network = pick_device(self.device), self.network_
        run = getattr(network.to(device), function)
        n_inputs = 1 if network.shares_batches else network.n_members
        with torch.no_grad():
            outputs = [
                run(part.to(device).expand(n_inputs, *part.shape)).cpu()
                for part in torch.from_numpy(z).split(CHUNK)
            ]
        network.cpu()
        return torch.cat(outputs, dim=1)

    @property
    def holds_out(self) -> bool:
        """Whether there is a network for each part of the training trials that stops one."""
        return self.held_out_parts > 1 or self._count_members() >= VALID_PARTS

    def _predict_by_members(
        self, x: np.ndarray, base: np.ndarray | None
    ) -> Iterator[tuple[Fold, np.ndarray]]:
        """Yield parts of the training trials, each predicted by the networks stopped on it."""
        parts, n_held = self._split_parts(len(x)), self.held_out_parts or None
        z = self._prepare_inputs(x)
        for number, part in enumerate(parts):
            outputs = self._run_networks(z[part.test], "forward")[:n_held]
            if base is not None:
                outputs = outputs + outputs.new_tensor(self._standardize(base[part.test]))
            own = self._to_natural(outputs[number :: len(parts)])
            yield part, own[..., -self.n_targets_ :]  # some networks predict sources too

    def _standardize(self, base: np.ndarray) -> np.ndarray:
        """Return a prediction in the unit of the network's output."""
        if self.counts_:
            return np.log(base).astype(np.float32)
        return ((base - self.center_) / self.scale_).astype(np.float32)

    def _predict(self, x: np.ndarray) -> np.ndarray:
        return self._to_expected_values(self._run_network(self._prepare_inputs(x), "forward"))

    def _to_expected_values(self, outputs: "Tensor") -> np.ndarray:
        """Turn the members' outputs into one expected value in the targets' unit."""
        natural = self._to_natural(outputs)
        return np.exp(np.minimum(natural, self.max_log_rate_)) if self.counts_ else natural

    def _to_natural(self, outputs: "Tensor") -> np.ndarray:
        """Average members: log rates (their geometric mean), or values in the targets' unit."""
        output = outputs.mean(dim=0).numpy().astype(np.float64)
        return output if self.counts_ else output * self.scale_ + self.center_

    def _transform(self, x: np.ndarray) -> np.ndarray:
        latents = self._run_network(self._prepare_inputs(x), "latents")
        # member x trial x time x latent -> trial x time x (member, latent)
        return latents.permute(1, 2, 0, 3).flatten(2).numpy()
