"""Networks that learn from source and target neurons together."""

import numpy as np

from spikecast.core.errors import InputError
from spikecast.models.base import is_counts
from spikecast.models.neural import NeuralModel


class ReconstructionModel(NeuralModel):
    """Base class of networks that predict all neurons, sources included.

    Input and target are the same: the activity of sources and targets side by side, or of the
    sources alone where the targets are the same neurons (`same_`). A subclass hides entries in
    training, so that the network cannot copy its input. Activity is divided by `unit_` (neuron,):
    1 for counts, the standard deviation otherwise.
    """

    reconstructs = True

    def _make_examples(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.same_ = bool(np.array_equal(x, y))
        if self.counts_ and not is_counts(x):
            raise InputError(
                f"{type(self).__name__} reconstructs its source too: to predict counts the source "
                "has to hold counts; use timescales or poisson_glm for a continuous source"
            )
        activity = x if self.same_ else np.concatenate([x, y], axis=2)
        spread = activity.std(axis=(0, 1), dtype=np.float64)
        unit = np.ones_like(spread) if self.counts_ else np.maximum(spread, 1e-6)
        self.unit_ = unit.astype(np.float32)
        return super()._make_examples(activity, activity)

    def _fit_inputs(self, x: np.ndarray) -> np.ndarray:
        z = (x / self.unit_).astype(np.float32)
        self._fit_features(z)
        return z

    def _fit_features(self, z: np.ndarray) -> None:
        """Learn the preprocessing from the activity of all neurons."""
        raise NotImplementedError

    def _prepare_inputs(self, x: np.ndarray) -> np.ndarray:
        """Return the network's input; targets are unknown, so they are zeros, which it hides."""
        z = np.zeros((*x.shape[:2], len(self.unit_)), dtype=np.float32)
        z[..., : x.shape[2]] = x / self.unit_[: x.shape[2]]
        return z

    def _predict(self, x: np.ndarray) -> np.ndarray:
        return super()._predict(x)[..., -self.n_targets_ :]
