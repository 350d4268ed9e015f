"""Several sessions in one network: read-ins and readouts of their own around one core.

The neurons of two sessions differ; what their populations do may be alike.
So each session keeps an ordinary network, and the networks have their core in common (the very same
tensors). They are trained on *combined trials*, one trial of each session side by side, as if all
sessions had been recorded at once: the training loop is the same.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from spikecast.core.errors import ShapeError
from spikecast.models.networks.network import Network


class Sessions(Network):
    """Networks of one class with a common core, as one network for the training loop.

    All get the core of the first. `n_features` and `n_targets` are those of each session, in the
    order in which combined trials have them side by side.
    """

    def __init__(
        self, networks: Sequence[Network], n_features: Sequence[int], n_targets: Sequence[int]
    ) -> None:
        nn.Module.__init__(self)  # the networks have their own likelihoods
        self.n_members = networks[0].n_members
        self.n_features, self.n_targets = list(n_features), list(n_targets)
        for network in networks[1:]:
            use_core(network, networks[0])
        self.networks = nn.ModuleList(networks)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Loss of each combined trial, (member, trial): the mean over its sessions."""
        parts = zip(
            self.sessions, x.split(self.n_features, -1), y.split(self.n_targets, -1), strict=True
        )
        return torch.stack([network.loss(own_x, own_y) for network, own_x, own_y in parts]).mean(
            dim=0
        )

    def set_progress(self, fraction: float) -> None:
        """Pass on which part of training is done."""
        for network in self.sessions:
            network.set_progress(fraction)

    def decayed_weights(self) -> list[nn.Parameter]:
        """Return the decayed weights of all networks, the core's once."""
        every = [matrix for network in self.sessions for matrix in network.decayed_weights()]
        return list({id(matrix): matrix for matrix in every}.values())

    def take_member(self, state: Mapping[str, Tensor], member: int) -> dict[str, Tensor]:
        """Return a member's part of all sessions' tensors."""
        taken: dict[str, Tensor] = {}
        for number, network in enumerate(self.sessions):
            prefix = f"networks.{number}."
            own = {n.removeprefix(prefix): v for n, v in state.items() if n.startswith(prefix)}
            taken |= {prefix + n: v for n, v in network.take_member(own, member).items()}
        return taken

    @property
    def sessions(self) -> list[Network]:
        """The sessions' networks, in order."""
        return [cast(Network, network) for network in self.networks]


def core_parameters(network: Network) -> dict[str, nn.Parameter]:
    """Return the parameters that do not depend on which neurons were recorded, by name."""
    return {
        name: p for name, p in network.named_parameters() if name not in network.neuron_parameters
    }


def use_core(network: Network, other: Network, frozen: bool | None = None) -> None:
    """Give a network the core of another one: its very parameters, or a copy.

    With `frozen` None they are the same parameters; True makes a copy that training leaves alone,
    False one that it may change. Raises ShapeError when the cores differ in shape.
    """
    own = core_parameters(network)
    for name, parameter in core_parameters(other).items():
        if name not in own or own[name].shape != parameter.shape:
            shape = tuple(own[name].shape) if name in own else None
            raise ShapeError(
                f"the sessions' cores disagree: {name} is {tuple(parameter.shape)} in one and "
                f"{shape} in another. Sessions with few neurons have few components; lower "
                "n_components to the smallest session's number of neurons"
            )
        if frozen is not None:
            parameter = nn.Parameter(parameter.detach().clone(), requires_grad=not frozen)
        owner, _, leaf = name.rpartition(".")
        setattr(network.get_submodule(owner), leaf, parameter)


def find_shared_components(
    averages: Sequence[Tensor], n_components: int, shared: Tensor | None = None
) -> tuple[Tensor, list[Tensor]]:
    """Return the directions of each session's features along which sessions do the same.

    Principal-component regression: the principal components of all sessions' averages side by side
    are regressed on each session's own components (Pandarinath et al. 2018). Of the regression only
    the rotation is kept, so that no read-in changes its size.

    `averages` (sample, feature) are mean activity, a sample being the same condition and bin in all
    sessions. Returned are the common components (sample, component), computed unless `shared` gives
    them, and for each session orthonormal axes (feature, component).

    Examples
    --------
    >>> truth = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    >>> one, two = truth @ torch.tensor([[0.6, 0.8, 0], [-0.8, 0.6, 0]]), truth @ torch.eye(2, 4)
    >>> shared, axes = find_shared_components([one, two], 2)
    >>> scores = torch.stack([one @ axes[0], two @ axes[1]])
    >>> [round(float(torch.corrcoef(scores[..., i])[0, 1]), 1) for i in range(2)]
    [1.0, 1.0]
    """
    centered = [average - average.mean(dim=0) for average in averages]
    if shared is None:
        # every session counts the same, whatever the number and size of its features
        together = [average / average.norm().clamp(min=1e-12) for average in centered]
        left, size, _ = torch.linalg.svd(torch.cat(together, dim=1), full_matrices=False)
        smallest = min(average.shape[1] for average in averages)
        n_components = min(n_components, left.shape[1], smallest)
        shared = left[:, :n_components] * size[:n_components]
    axes = []
    for average in centered:
        left, size, right = torch.linalg.svd(average, full_matrices=False)
        n_own = min(shared.shape[1], len(size))
        scores, directions = left[:, :n_own] * size[:n_own], right[:n_own].T
        slopes = torch.linalg.pinv(scores, rtol=1e-5) @ shared  # (own component, component)
        first, _, second = torch.linalg.svd(slopes, full_matrices=False)
        axes.append(directions @ first @ second)
    return shared, axes


@torch.no_grad()
def align_readin(network: Network, axes: Tensor, readin: Tensor) -> None:
    """Set the weights along `axes` (feature, component) to `readin` (member, unit, component).

    The network then reads its session's shared components as the others do. Its weights of all
    other directions of the features stay as they are.
    """
    weight = network.readin_weight
    network.change_readin((readin - weight @ axes) @ axes.T)
