"""Where networks of several sessions start: around one core, reading alike what sessions share."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from spikecast.core.checks import check_same_length
from spikecast.core.errors import InputError, NotEnoughDataError
from spikecast.models.inner_cv import split_inner_folds
from spikecast.models.networks.network import Network
from spikecast.models.networks.sessions import Sessions, align_readin, find_shared_components
from spikecast.models.neural import VALID_PARTS, NeuralModel
from spikecast.models.preprocess import smooth

WIDTH = 2.0  # bins; smooths the averages that sessions are compared by


class SharedStart:
    """Start of the networks of several sessions, alike in what their read-ins have in common.

    `models` have a fitted preprocessing, `averages` (condition, time, feature) are mean activity,
    one per session; read-ins see `n_shared` components of the averages alike.
    """

    components: np.ndarray  # of the averages, (condition, time, component)

    def __init__(
        self, models: Sequence[NeuralModel], averages: Sequence[np.ndarray], n_shared: int
    ) -> None:
        self.models, self.averages, self.n_shared = models, averages, n_shared
        self.axes: list[Tensor] = []  # of each session, (feature, component)

    def build(self) -> Sessions:
        """Return the sessions' networks with one core; raise InputError where they have none."""
        networks = [model._start_network() for model in self.models]
        if not networks[0].neuron_parameters:
            raise InputError(
                f"{type(self.models[0]).__name__} has no core that sessions can share; use "
                "'timescales', 'lfads' or 'transformer'"
            )
        n_features, n_targets = (
            [model.sizes_[name] for model in self.models] for name in ("n_features", "n_targets")
        )
        together = Sessions(networks, n_features, n_targets)
        read = [_read(*pair) for pair in zip(networks, self.averages, strict=True)]
        components, self.axes = find_shared_components(read, self.n_shared)
        # (condition * time, component) -> (condition, time, component)
        components = components.unflatten(0, self.averages[0].shape[:2])
        self.components = np.ascontiguousarray(components.numpy())
        # the first session's random weights of each component are those of all sessions
        readin = networks[0].readin_weight.detach() @ self.axes[0]
        for network, axes in zip(networks, self.axes, strict=True):
            align_readin(network, axes, readin)
        return together

    def mean_readin(self, networks: Sequence[Network]) -> np.ndarray:
        """Return the sessions' mean weights from components to core, (member, unit, component)."""
        readins = [
            network.readin_weight.detach() @ axes
            for network, axes in zip(networks, self.axes, strict=True)
        ]
        return torch.stack(readins).mean(dim=0).numpy()


def align_to_components(
    network: Network, average: np.ndarray, components: np.ndarray, readin: np.ndarray
) -> None:
    """Make a network read the components that earlier sessions share as those read them.

    `average` and `components` are (condition, time, feature or component) of the same conditions,
    `readin` is what :meth:`SharedStart.mean_readin` returned.
    """
    known = torch.as_tensor(components).flatten(0, 1)
    _, (axes,) = find_shared_components([_read(network, average)], known.shape[1], known)
    align_readin(network, axes, torch.as_tensor(readin))


@torch.no_grad()
def _read(network: Network, averages: np.ndarray) -> Tensor:
    """Return what the read-in sees of the averages, (condition * time, feature)."""
    return network.eval().prepare_readin(torch.from_numpy(averages)[None])[0].flatten(0, 1)


def list_common_conditions(labels: Sequence[np.ndarray | None]) -> list[object]:
    """Return the conditions that occur in every session, sorted; none where there are no labels."""
    of_session = [set(np.asarray(label).tolist()) for label in labels if label is not None]
    return sorted(set.intersection(*of_session), key=str) if of_session else []


def average_conditions(
    z: np.ndarray, labels: np.ndarray | None, conditions: Sequence[object]
) -> np.ndarray:
    """Return the smoothed mean over the trials of each condition, (condition, time, feature).

    Over all trials, as one condition, where there are no labels or no conditions.
    """
    if labels is None or not conditions:
        return smooth(z.mean(axis=0, keepdims=True), WIDTH)
    check_same_length("conditions", len(labels), "the trial axis of x", len(z))
    labels = np.asarray(labels)
    return smooth(np.stack([z[labels == label].mean(axis=0) for label in conditions]), WIDTH)


def combine_trials(sizes: Sequence[int], seed: int) -> list[np.ndarray]:
    """Return which trials of each session go into the combined trials, in their order.

    The parts that members stop on are cut in every session as in one that stands alone, and put
    side by side: a trial that a session repeats is never in two parts. Raises NotEnoughDataError
    where a session has fewer trials than there are parts.
    """
    if min(sizes) < VALID_PARTS:
        raise NotEnoughDataError(
            f"a session has {min(sizes)} trials; at least {VALID_PARTS} are needed"
        )
    n_combined = max(sizes)
    parts = split_inner_folds(n_combined, VALID_PARTS, seed)
    order = []
    for size in sizes:
        rows = np.empty(n_combined, dtype=int)
        for to, of in zip(parts, split_inner_folds(size, VALID_PARTS, seed), strict=True):
            rows[to.test] = np.resize(of.test, to.test.size)
        order.append(rows)
    return order
