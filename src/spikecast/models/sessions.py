"""One model fitted on several sessions at once, and adapted to further ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, cast

import numpy as np
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from spikecast.core.checks import check_in_range, check_one_of, check_same_length
from spikecast.core.errors import InputError, NotEnoughDataError, ShapeError
from spikecast.models.base import Areas
from spikecast.models.inner_cv import split_inner_folds
from spikecast.models.networks.network import Network
from spikecast.models.networks.sessions import (
    Sessions,
    align_readin,
    find_shared_components,
    use_core,
)
from spikecast.models.neural import VALID_PARTS, NeuralModel
from spikecast.models.preprocess import smooth
from spikecast.models.single import SINGLE

WIDTH = 2.0  # bins; smooths the averages that sessions are compared by


@dataclass(eq=False, repr=False)
class ManySessions(BaseEstimator):
    """Fit one model on several sessions: what the neurons do is shared, which neurons is not.

    Every session has a read-in and a readout of its own; the core between them (for ``timescales``:
    time constants, balance of past and future, gates; for ``lfads``: encoder and generator; for
    ``transformer``: the attention blocks) is learnt from all of them. Then read-in and readout of
    every session are fitted once more, to the finished core, since sessions do not overfit at the
    same time and each has to stop at its own. The result is one ordinary fitted model per session,
    in ``models_``; a session recorded later is adapted to in the very same way.

    Sessions may differ in neurons, targets and trials; while the core is learnt, smaller ones go
    round more often, so that every step has as many trials of each. Bins have to agree.

    Parameters
    ----------
    base : str
        Name of a model of the catalogue that has a core: ``timescales``, ``lfads``,
        ``transformer``.
    settings : dict, optional
        Its parameters, by name.
    n_shared : int
        Components of the sessions' averages by which their read-ins start alike; 0 lets every
        session start at random, which on training trials of real recordings was better for
        ``timescales``.
    seed : int

    Attributes
    ----------
    models_ : list of NeuralModel
        One fitted model per session.
    labels_ : list
        Conditions that all sessions have.
    components_ : array, (condition, time, component)
        What the sessions' averages have in common.
    readin_ : array, (member, unit, component)
        How the core was given them, on average over sessions.
    training_ : dict
        Of the core, as in :class:`NeuralModel`.

    References
    ----------
    Pandarinath et al. 2018, Nature Methods (stitching of sessions by principal-component
    regression).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> xs = [rng.poisson(0.5, (12, 20, n_neurons)) for n_neurons in (5, 8)]
    >>> ys = [rng.poisson(0.5, (12, 20, 2)) for _ in xs]
    >>> settings = {"n_latents": 4, "n_components": 5, "epochs": 1}
    >>> many = ManySessions("timescales", settings).fit(xs, ys)
    >>> many.predict(xs[1], session=1).shape
    (12, 20, 2)
    >>> many.adapt(rng.poisson(0.5, (6, 20, 7)), ys[0][:6]).n_sources_
    7
    """

    base: str = "timescales"
    settings: dict[str, object] | None = None
    n_shared: int = 0
    seed: int = 0

    @property
    def needs(self) -> tuple[str, ...]:
        """What ``fit`` and ``adapt`` have to be told besides the arrays, as its model does."""
        return self._member().needs

    def fit(
        self,
        xs: Sequence[np.ndarray],
        ys: Sequence[np.ndarray],
        conditions: Sequence[np.ndarray] | None = None,
        areas: Sequence[Areas] | None = None,
    ) -> Self:
        """Fit all sessions together.

        Parameters
        ----------
        xs, ys : sequence of array, (trial, time, source) and (trial, time, target)
            One of each per session.
        conditions : sequence of array, (trial,), optional
            A label per trial and session. Averages over trials of the same condition say which
            directions of two sessions belong together; without labels all trials are averaged.
        areas : sequence of sequence of str, (source,), optional
            The area of each source of each session, where the model wants them.

        Returns
        -------
        self

        Raises
        ------
        InputError
            When the model has no core, or some targets are counts and others are not.
        ShapeError
            When the sessions have different numbers of bins, or their cores differ in size.
        NotEnoughDataError
            When a session has fewer than 5 trials.
        """
        check_same_length("xs", len(xs), "ys", len(ys))
        if not xs:
            raise NotEnoughDataError("there is no session to fit; give at least one")
        labels = [None] * len(xs) if conditions is None else conditions
        check_same_length("conditions", len(labels), "xs", len(xs))
        known = [None] * len(xs) if areas is None else areas
        check_same_length("areas", len(known), "xs", len(xs))
        models = [self._member() for _ in xs]
        examples = [_examples(*one) for one in zip(models, xs, ys, known, strict=True)]
        _agree([model.counts_ for model in models], [z.shape[1] for z, _ in examples])
        self.labels_ = _common(labels)
        averages = [
            _averages(z, label, self.labels_)
            for (z, _), label in zip(examples, labels, strict=True)
        ]
        axes: list[Tensor] = []

        def build() -> Network:
            networks = [model._start_network() for model in models]
            if not networks[0].own:
                raise InputError(
                    f"'{self.base}' has no core that sessions can share; use 'timescales', 'lfads' "
                    "or 'transformer'"
                )
            n_features, n_targets = (
                [model.sizes_[name] for model in models] for name in ("n_features", "n_targets")
            )
            together = Sessions(networks, n_features, n_targets)
            read = [_read(network, mean) for network, mean in zip(networks, averages, strict=True)]
            components, found = find_shared_components(read, self.n_shared)
            axes[:] = found
            self.components_ = np.ascontiguousarray(
                components.unflatten(0, averages[0].shape[:2]).numpy()
            )
            # the first session's random read-in says what the core is given of each component
            readin = networks[0].readin_weight.detach() @ axes[0]
            for network, mine in zip(networks, axes, strict=True):
                align_readin(network, mine, readin)
            return together

        first = models[0]
        order, n_joint = _joint_trials([len(z) for z, _ in examples], first.seed)
        z, y = (
            np.concatenate([part[rows] for part, rows in zip(parts, order, strict=True)], axis=2)
            for parts in zip(*examples, strict=True)
        )
        n_members = int(getattr(first, "n_members", 1))
        first._train(build, z, y, first._member_folds(n_joint, n_members))
        networks, self.training_ = cast(Sessions, first.network_).sessions, first.training_
        readins = [
            network.readin_weight.detach() @ mine
            for network, mine in zip(networks, axes, strict=True)
        ]
        self.readin_ = torch.stack(readins).mean(dim=0).numpy()
        self.models_ = [
            self._finished(model, *example, label, networks[0])
            for model, example, label in zip(models, examples, labels, strict=True)
        ]
        return self

    def predict(self, x: np.ndarray, session: int) -> np.ndarray:
        """Return the expected value of a session's targets, (trial, time, target)."""
        return self._of(session).predict(x)

    def transform(self, x: np.ndarray, session: int) -> np.ndarray:
        """Return a session's latents, (trial, time, latent)."""
        return self._of(session).transform(x)

    def adapt(
        self,
        x: np.ndarray,
        y: np.ndarray,
        conditions: np.ndarray | None = None,
        areas: Areas | None = None,
        tune: bool = False,
    ) -> NeuralModel:
        """Fit a further session's read-in and readout to the core.

        Parameters
        ----------
        x : array, (trial, time, source)
        y : array, (trial, time, target)
        conditions : array, (trial,), optional
            As in :meth:`fit`. Where the sessions have labels and this one has none of them, its
            read-in starts at random.
        areas : sequence of str, (source,), optional
            As in :meth:`fit`.
        tune : bool
            Let the session change a copy of the core too; otherwise the core stays as it is.

        Returns
        -------
        NeuralModel
            An ordinary fitted model.
        """
        check_is_fitted(self, "models_")
        model = self._member()
        z, y = _examples(model, x, y, areas)
        first = self.models_[0]
        _agree([first.counts_, model.counts_], [self.components_.shape[1], z.shape[1]])

        return self._finished(model, z, y, conditions, first.network_, tune)

    # ------------------------------------------------------------------------------- parts

    def _member(self) -> NeuralModel:
        chosen = SINGLE[check_one_of("model", self.base, list(SINGLE))]
        if not issubclass(chosen, NeuralModel):
            raise InputError(f"'{self.base}' is no network and has nothing that sessions can share")
        check_in_range("n_shared", self.n_shared, 0)
        return clone(chosen(**{"seed": self.seed, **(self.settings or {})}))

    def _finished(
        self,
        model: NeuralModel,
        z: np.ndarray,
        y: np.ndarray,
        conditions: np.ndarray | None,
        known: Network,
        tune: bool = False,
    ) -> NeuralModel:
        """Fit read-in and readout of a session to the core of a known network."""

        def build() -> Network:
            network = model._start_network()
            use_core(network, known, frozen=not tune)
            rows = self._rows(conditions)
            if rows.size and self.readin_.size:
                mean = _averages(z, conditions, [self.labels_[row] for row in rows if self.labels_])
                components = torch.as_tensor(self.components_[rows]).flatten(0, 1)
                _, (axes,) = find_shared_components(
                    [_read(network, mean)], self.n_shared, components
                )
                align_readin(network, axes, torch.as_tensor(self.readin_))
            return network

        n_members = int(getattr(model, "n_members", 1))
        model._train(build, z, y, model._member_folds(len(z), n_members))
        return model

    def _of(self, session: int) -> NeuralModel:
        check_is_fitted(self, "models_")
        return self.models_[check_one_of("session", session, range(len(self.models_)))]

    def _rows(self, conditions: np.ndarray | None) -> np.ndarray:
        """Conditions of the fit that a new session has too, as indices into `components_`."""
        if not self.labels_:
            return np.zeros(1, dtype=int)
        known = set() if conditions is None else set(_plain(conditions))
        return np.flatnonzero([label in known for label in self.labels_])


def _examples(
    model: NeuralModel, x: np.ndarray, y: np.ndarray, areas: Areas | None
) -> tuple[np.ndarray, np.ndarray]:
    return model._examples(*model._accepted(x, y, areas))


def _agree(counts: Sequence[bool], bins: Sequence[int]) -> None:
    """Refuse sessions that cannot be fitted together."""
    if len(set(counts)) > 1:
        raise InputError("some sessions' targets are counts and others' are not; fit them apart")
    if len(set(bins)) > 1:
        raise ShapeError(
            f"the sessions have {list(bins)} bins; they must agree. Bin and align them alike, or "
            "cut the longer ones with recording.select(time=...)"
        )


def _plain(labels: np.ndarray) -> list[object]:
    return np.asarray(labels).tolist()


def _common(labels: Sequence[np.ndarray | None]) -> list[object]:
    """Conditions that occur in every session, sorted; none where no labels are given."""
    given = [set(_plain(label)) for label in labels if label is not None]
    return sorted(set.intersection(*given), key=str) if given else []


def _averages(z: np.ndarray, labels: np.ndarray | None, common: Sequence[object]) -> np.ndarray:
    """Smoothed mean over the trials of each condition, (condition, time, feature)."""
    if labels is None or not common:
        return smooth(z.mean(axis=0, keepdims=True), WIDTH)
    check_same_length("conditions", len(labels), "the trial axis of x", len(z))
    labels = np.asarray(labels)
    return smooth(np.stack([z[labels == label].mean(axis=0) for label in common]), WIDTH)


@torch.no_grad()
def _read(network: Network, averages: np.ndarray) -> Tensor:
    """What the read-in sees of the averages, (condition * time, feature)."""
    return network.eval().read(torch.from_numpy(averages)[None])[0].flatten(0, 1)


def _joint_trials(sizes: Sequence[int], seed: int) -> tuple[list[np.ndarray], int]:
    """Which trial of each session goes into which joint trial.

    The parts that members stop on are cut in every session as in one that stands alone, and put
    side by side: a trial that a session repeats is never in two parts.

    Returns
    -------
    order : list of array, (joint trial,)
    n_joint : int
    """
    if min(sizes) < VALID_PARTS:
        raise NotEnoughDataError(
            f"a session has {min(sizes)} trials; at least {VALID_PARTS} are needed"
        )
    n_joint = max(sizes)
    joint = split_inner_folds(n_joint, VALID_PARTS, seed)
    order = []
    for size in sizes:
        rows = np.empty(n_joint, dtype=int)
        for to, of in zip(joint, split_inner_folds(size, VALID_PARTS, seed), strict=True):
            rows[to.test] = np.resize(of.test, to.test.size)
        order.append(rows)
    return order, n_joint
