"""One model fitted on several sessions at once, and adapted to further ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, cast

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from spikecast.core.checks import check_in_range, check_one_of, check_same_length
from spikecast.core.errors import InputError, NotEnoughDataError, ShapeError
from spikecast.models.base import Areas
from spikecast.models.networks.network import Network
from spikecast.models.networks.sessions import Sessions, use_core
from spikecast.models.neural import NeuralModel
from spikecast.models.shared_start import (
    SharedStart,
    align_to_components,
    average_conditions,
    combine_trials,
    list_common_conditions,
)
from spikecast.models.single import SINGLE

Example = tuple[np.ndarray, np.ndarray]
"""Input and target as a network is trained on them, (trial, time, feature) and (..., target)."""


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
        Weights with which they were read in, on average over sessions.
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
        """Arguments of ``fit`` and ``adapt`` besides the arrays that the model needs."""
        return self._make_model().needs

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
        models = [self._make_model() for _ in xs]
        examples = [
            model._make_examples(*model._check_data(x, y, of_sources))
            for model, x, y, of_sources in zip(models, xs, ys, known, strict=True)
        ]
        _check_alike([model.counts_ for model in models], [z.shape[1] for z, _ in examples])
        self.labels_ = list_common_conditions(labels)
        averages = [
            average_conditions(z, label, self.labels_)
            for (z, _), label in zip(examples, labels, strict=True)
        ]
        start = SharedStart(models, averages, self.n_shared)
        networks = self._fit_core(start, examples)
        self.components_, self.readin_ = start.components, start.mean_readin(networks)
        self.models_ = [
            self._fit_to_core(model, example, label, networks[0])
            for model, example, label in zip(models, examples, labels, strict=True)
        ]
        return self

    def predict(self, x: np.ndarray, session: int) -> np.ndarray:
        """Return the expected value of a session's targets, (trial, time, target)."""
        return self._get_model(session).predict(x)

    def transform(self, x: np.ndarray, session: int) -> np.ndarray:
        """Return a session's latents, (trial, time, latent)."""
        return self._get_model(session).transform(x)

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
        model = self._make_model()
        z, y = model._make_examples(*model._check_data(x, y, areas))
        first = self.models_[0]
        _check_alike([first.counts_, model.counts_], [self.components_.shape[1], z.shape[1]])
        return self._fit_to_core(model, (z, y), conditions, first.network_, tune)

    def _make_model(self) -> NeuralModel:
        chosen = SINGLE[check_one_of("model", self.base, list(SINGLE))]
        if not issubclass(chosen, NeuralModel):
            raise InputError(f"'{self.base}' is no network and has nothing that sessions can share")
        check_in_range("n_shared", self.n_shared, 0)
        if (self.settings or {}).get("context", "off") != "off":
            raise InputError("sessions are fitted together without a context; leave it out")
        return clone(chosen(**{"seed": self.seed, **(self.settings or {})}))

    def _fit_core(self, start: SharedStart, examples: Sequence[Example]) -> list[Network]:
        """Train the sessions' networks together on combined trials, and return them."""
        first = start.models[0]
        order = combine_trials([len(z) for z, _ in examples], first.seed)
        z, y = (  # (combined trial, time, feature or target of all sessions)
            np.concatenate([part[rows] for part, rows in zip(parts, order, strict=True)], axis=2)
            for parts in zip(*examples, strict=True)
        )
        first._train(start.build, z, y)
        self.training_ = first.training_
        return cast(Sessions, first.network_).sessions

    def _fit_to_core(
        self,
        model: NeuralModel,
        example: Example,
        conditions: np.ndarray | None,
        core: Network,
        tune: bool = False,
    ) -> NeuralModel:
        """Fit read-in and readout of a session to the core of a trained network."""
        z, y = example

        def build() -> Network:
            network = model._start_network()
            use_core(network, core, frozen=not tune)
            rows = self._find_conditions(conditions)
            if rows.size and self.readin_.size:
                names = [self.labels_[row] for row in rows if self.labels_]
                average = average_conditions(z, conditions, names)
                align_to_components(network, average, self.components_[rows], self.readin_)
            return network

        model._train(build, z, y)
        return model

    def _get_model(self, session: int) -> NeuralModel:
        check_is_fitted(self, "models_")
        return self.models_[check_one_of("session", session, range(len(self.models_)))]

    def _find_conditions(self, conditions: np.ndarray | None) -> np.ndarray:
        """Return which conditions of the fit a new session has too, as rows of `components_`."""
        if not self.labels_:
            return np.zeros(1, dtype=int)
        known = set() if conditions is None else set(np.asarray(conditions).tolist())
        return np.flatnonzero([label in known for label in self.labels_])


def _check_alike(counts: Sequence[bool], bins: Sequence[int]) -> None:
    """Refuse sessions that cannot be fitted together."""
    if len(set(counts)) > 1:
        raise InputError("some sessions' targets are counts and others' are not; fit them apart")
    if len(set(bins)) > 1:
        raise ShapeError(
            f"the sessions have {list(bins)} bins; they must agree. Bin and align them alike, or "
            "cut the longer ones with recording.select(time=...)"
        )
