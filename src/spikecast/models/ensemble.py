"""Several models as one: seeds of one model averaged, unlike models stacked.

Rates are combined in logarithm: a weighted geometric mean, which for Poisson models is the mean of
their natural parameters. Continuous predictions are combined as they are.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spikecast.core.checks import check_count, check_in_range, check_one_of
from spikecast.core.errors import InputError
from spikecast.core.seeding import derive_seed
from spikecast.models.base import RATE_FLOOR, Areas, Model
from spikecast.models.context import ContextModel
from spikecast.models.rate_curve import apply_rate_curve, fit_rate_curve
from spikecast.models.shared_features import share_features
from spikecast.models.single import SINGLE
from spikecast.models.stack_members import IN_A_STACK, IN_AUTO, SHARED_COMPONENTS, Groups, are_few
from spikecast.models.stacking_weights import fit_stacking_weights


class _Committee(Model):
    """Base class: fitted models in ``models_``, combined by :meth:`_combine`.

    Latents are those of all members that have any, side by side.
    """

    models_: list[Model]
    seed: int
    causal: bool
    hide_areas: bool

    def _make_member(self, name: str, number: int = 0) -> Model:
        """Return an unfitted member: its seed derived from this one, shared settings set."""
        model = SINGLE[check_one_of("model", name, list(SINGLE))]()
        own = model.get_params()
        shared = {
            "seed": derive_seed(self.seed, name, number),
            "causal": self.causal,
            "hide_areas": self.hide_areas,
        }
        return model.set_params(**{key: value for key, value in shared.items() if key in own})

    def _fit_member(
        self, member: Model, x: np.ndarray, y: np.ndarray, base: np.ndarray | None = None
    ) -> Model:
        """Return a member fitted to `x` and `y`, with areas where it needs them."""
        return member.fit(x, y, self.areas_ if "areas" in member.needs else None, base)

    def _predict_natural(
        self, model: Model, x: np.ndarray, base: np.ndarray | None = None
    ) -> np.ndarray:
        """Return a prediction as log rate, or as it is where targets are continuous."""
        return self._to_natural(model.predict(x, base))

    def _to_natural(self, prediction: np.ndarray) -> np.ndarray:
        return np.log(np.maximum(prediction, RATE_FLOOR)) if self.counts_ else prediction

    def _combine(self, predictions: np.ndarray) -> np.ndarray:
        """Return (trial, time, target) from (model, trial, time, target), in natural parameters."""
        return predictions.mean(axis=0)

    def _predict(self, x: np.ndarray) -> np.ndarray:
        combined = self._combine(
            np.stack([self._predict_natural(model, x) for model in self.models_])
        )
        return np.exp(np.minimum(combined, self.max_log_rate_)) if self.counts_ else combined

    def _transform(self, x: np.ndarray) -> np.ndarray:
        latents = [model.transform(x) for model in self.models_ if model.has_latents]
        if not latents:
            raise InputError(f"none of the models of {type(self).__name__} has latents")
        return np.concatenate(latents, axis=2)


@dataclass(eq=False, repr=False)
class Ensemble(_Committee):
    """Seeds of one model, averaged in log rate.

    Parameters
    ----------
    base : str
        Name of a model of the catalogue that draws at random.
    n_models : int
        How many, each with a seed of its own.
    {committee}

    Attributes
    ----------
    models_ : list of Model

    {paper}

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.poisson(0.5, (6, 10, 6)); y = x[..., :2]
    >>> Ensemble("gru", n_models=2).fit(x, y).predict(x).shape
    (6, 10, 2)
    """

    title = "ensemble"
    about = "seeds of one model averaged in log rate"
    paper = "Lakshminarayanan et al. 2017"
    why_not_searched = "tune its base by itself"

    base: str = "gru"
    n_models: int = 3
    causal: bool = False
    hide_areas: bool = False
    seed: int = 0

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        check_in_range("n_models", self.n_models, 1)
        members = [self._make_member(self.base, number) for number in range(self.n_models)]
        self.models_ = [self._fit_member(member, x, y) for member in members]


MANY_TRIALS = 100
"""From here on, two thirds of the training trials are enough to refit a model for its weight."""


@dataclass(eq=False, repr=False)
class Stack(ContextModel, _Committee):
    """Unlike models, weighted in log rate by what they predict of trials they did not learn from.

    Every model predicts each training trial once without having learnt from it: networks by one
    that did not learn from the trial, other models by refits on inner folds. The weights are those
    that explain the trials best by these predictions::

        log r = log mean + sum over m of w_m (log r_m - log mean)

    Each target has its own, drawn towards one set shared by all, so that targets with few spikes
    follow the others. Weights are not negative; they need not sum to 1, as an average of good log
    rates is too close to the mean. In the weights' fit each prediction counts as its distance from
    the mean of the trials that it was learnt from: a mean of few spikes is off by chance, and would
    take weight from the models that are refitted. Counts are not predicted further above the mean
    than in any held-out trial: rates are exponentials, and beyond what was seen they run away.
    Last, log rates of counts are passed through a rising curve of each target
    (:mod:`spikecast.models.rate_curve`), learnt from the same held-out predictions.

    Latents are those of the member with the largest weight of those that have any and see what the
    stack may see: past and future, or with `causal` the past.

    Parameters
    ----------
    models : sequence of str, optional
        Names of models of the catalogue; ``timescales`` stands for four: two of past and future, of
        10 and of 200 components, one of the past and (unless `causal`) one of the future only. By
        default it, and the regression for the kind of target: ``poisson_glm`` for counts (the rates
        of a ridge reach 0, and their logarithms no end), ``pca_ridge`` for continuous values.
    {stack}

    Attributes
    ----------
    models_ : list of Model
    weights_ : array, (model, target)
    center_ : array, (target,)
    ceiling_ : array, (target,)
        The largest distance from the mean (or from `base`), before the curve.
    curve_ : array, (piece, target), or None
        Slopes of the curve; None where there is none.

    {paper}

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.poisson(0.5, (12, 30, 6)); y = x[..., :2]
    >>> stack = Stack(("mean_rate", "pca_ridge")).fit(x, y)
    >>> stack.weights_.shape, bool(stack.weights_[1].min() > 0.5)
    ((2, 2), True)
    """

    title = "stack"
    about = "a regression and timescales of past, future and both, weighted target by target"
    paper = "Wolpert 1992; Breiman 1996"
    why_not_searched = "tune its models by themselves"

    networks: ClassVar[tuple[str, ...]] = ("timescales",)

    models: Sequence[str] | None = None
    n_inner: int | None = None
    pull: float = 30.0
    causal: bool = False
    hide_areas: bool = False
    seed: int = 0
    context: str = "off"

    def _fit(self, x: np.ndarray, y: np.ndarray, base: np.ndarray | None = None) -> None:
        names = self._list_usable(adding=base is not None)
        members = [member for name in names for member in self._make_members(name)]
        with share_features(x, SHARED_COMPONENTS):
            fitted = [self._fit_member(member, x, y, base) for member in members]
            self._fit_weights(fitted, x, y, base)

    def _make_members(self, name: str, groups: Groups = IN_A_STACK) -> list[Model]:
        """Return the unfitted models that a name stands for."""
        return [
            self._make_member(name, number).set_params(**settings)
            for number, settings in enumerate(groups.get(name, ({},)))
            if not (self.causal and settings.get("future_only"))
        ]

    @property
    def can_add(self) -> bool:
        """Whether some of its models can be fitted on top of another prediction."""
        names = self.networks if self.models is None else self.models
        return any(SINGLE[name]().can_add for name in names if name in SINGLE)

    def _fit_on_top(self, x: np.ndarray, y: np.ndarray, base: np.ndarray) -> None:
        self._fit(x, y, base)

    def _predict_on_top(self, x: np.ndarray, base: np.ndarray) -> np.ndarray:
        natural = self._to_natural(base)
        predictions = np.stack([self._predict_natural(model, x, base) for model in self.models_])
        combined = natural + self._weigh(predictions - natural)
        return np.exp(np.minimum(combined, self.max_log_rate_)) if self.counts_ else combined

    def _list_usable(self, *, adding: bool) -> list[str]:
        """Return the models that can predict this kind of target (on top of another prediction)."""
        default = ("poisson_glm" if self.counts_ else "pca_ridge", *self.networks)
        names = [
            check_one_of("model", name, list(SINGLE))
            for name in (default if self.models is None else self.models)
        ]
        usable = [name for name in names if self._kind in SINGLE[name].kinds]
        if adding:
            usable = [name for name in usable if SINGLE[name]().can_add]
        if not usable:
            raise InputError(f"none of {', '.join(names)} predicts {self._kind} targets")
        return usable

    def _fit_weights(
        self, members: list[Model], x: np.ndarray, y: np.ndarray, base: np.ndarray | None = None
    ) -> None:
        """Learn the weights of fitted members by what they predict of held-out training trials."""
        self.models_ = members
        self.center_ = self._find_center(y)
        if len(members) == 1 or len(x) == 1:
            self.weights_ = np.full((len(members), y.shape[2]), 1 / len(members))
            self.ceiling_, self.curve_ = np.full(y.shape[2], np.inf), None
            return
        center = self.center_ if base is None else self._to_natural(base)
        held_out = self._hold_out(x, y, base)
        self.weights_ = fit_stacking_weights(held_out, y, center, self.counts_, self.pull)
        self.ceiling_, self.curve_ = np.full(y.shape[2], np.inf), None
        if self.counts_:
            distance = self._weigh(held_out)
            self.ceiling_ = distance.max(axis=(0, 1))
            self.curve_ = fit_rate_curve(distance, y, center)
        if self.context != "off":
            self._held_out = held_out  # for the context, which is learnt next

    def _hold_out(self, x: np.ndarray, y: np.ndarray, base: np.ndarray | None) -> np.ndarray:
        """Return each member's held-out distance from the mean or base, (model, *y.shape)."""
        center, n_inner = self.center_, self._count_inner(len(x))
        held_out = np.empty((len(self.models_), *y.shape), dtype=np.float32)
        for number, model in enumerate(self.models_):
            areas = self.areas_ if "areas" in model.needs else None
            for fold, natural in model.predict_held_out(x, y, areas, base, n_inner):
                if base is not None:
                    start = self._to_natural(base[fold.test])
                else:  # a refit starts from the mean of what it learnt from
                    start = center if model.holds_out else self._find_center(y[fold.train])
                held_out[number, fold.test] = natural - start
        return held_out

    def _count_inner(self, n_trials: int) -> int:
        """Return the number of refits."""
        if self.n_inner is None:
            return 3 if n_trials >= MANY_TRIALS else 5
        return check_count("n_inner", self.n_inner, 2)

    def _expect_held_out(
        self, x: np.ndarray, y: np.ndarray, areas: Areas | None, base: np.ndarray | None
    ) -> np.ndarray:
        known = self.__dict__.pop("_held_out", None)
        held_out = self._hold_out(x, y, base) if known is None else known
        natural = self.center_ if base is None else self._to_natural(base)
        natural = natural + self._weigh(held_out)
        return np.exp(np.minimum(natural, self.max_log_rate_)) if self.counts_ else natural

    def _transform(self, x: np.ndarray) -> np.ndarray:
        weight = dict(zip(self.models_, self.weights_.sum(axis=1), strict=True))
        with_latents = [model for model in self.models_ if model.has_latents]
        if not with_latents:
            return super()._transform(x)
        whole = [model for model in with_latents if self._sees_all(model)]
        return max(whole or with_latents, key=weight.__getitem__).transform(x)

    def _sees_all(self, model: Model) -> bool:
        """Return whether a member looks at all the bins that the stack may look at."""
        return model.causal == self.causal and not getattr(model, "future_only", False)

    def _find_center(self, y: np.ndarray) -> np.ndarray:
        """Return the targets' means as natural parameters, (target,)."""
        mean = y.mean(axis=(0, 1), dtype=float)
        # half a spike, where there was none: what networks start from
        return np.log(np.maximum(mean, 0.5 / (len(y) * y.shape[1]))) if self.counts_ else mean

    def _combine(self, predictions: np.ndarray) -> np.ndarray:
        return self.center_ + self._weigh(predictions - self.center_)

    def _weigh(self, distances: np.ndarray) -> np.ndarray:
        """Return the weighted distance from the mean, (trial, time, target), through the curve."""
        # target by target: (model, trial, time, target) x (model, target)
        weighted = np.einsum("mstn,mn->stn", distances, self.weights_)
        weighted = np.minimum(weighted, self.ceiling_)
        curve = getattr(self, "curve_", None)  # stacks that were saved before it came have none
        return weighted if curve is None else apply_rate_curve(weighted, curve)


@dataclass(eq=False, repr=False)
class Auto(Stack):
    """A stack of the strong candidates, within a budget of seconds where one is given.

    Candidates are fitted one after the other, strongest first. One is left out when its fits on
    the inner folds, judged by the time its first fit took, would go beyond the budget.

    Parameters
    ----------
    models : sequence of str, optional
        Candidates, in the order in which they are tried. By default those of a stack, with more and
        larger networks that are not stopped early, and then ``transformer``; where targets have
        fewer than 1,500 spikes in all, those of a stack.
    {stack}
    budget : float, optional
        Seconds per fit. With one, the numbers depend on the machine's speed; without, they do not.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.poisson(0.5, (12, 30, 6)); y = x[..., :2]
    >>> Auto(("pca_ridge", "mean_rate")).fit(x, y).predict(x).shape
    (12, 30, 2)
    """

    title = "automatic stack"
    about = "a stack of the strong candidates, within a budget of seconds where one is given"
    paper = "spikecast"
    why_not_searched = "it chooses between models itself"

    networks: ClassVar[tuple[str, ...]] = ("timescales", "transformer")

    budget: float | None = None

    def _fit(self, x: np.ndarray, y: np.ndarray, base: np.ndarray | None = None) -> None:
        started = time.perf_counter()
        fitted: list[Model] = []
        promised = 0.0  # seconds that refits for the weights will take
        budget = np.inf if self.budget is None else self.budget
        names = self._list_usable(adding=base is not None)
        groups = IN_AUTO
        if are_few(y, self.counts_):
            groups = IN_A_STACK
            if self.models is None:
                names = [name for name in names if name != "transformer"]
        with share_features(x, SHARED_COMPONENTS):
            for name in names:
                begun = time.perf_counter()
                if fitted and begun - started + promised > budget:
                    break
                members = [
                    self._fit_member(m, x, y, base) for m in self._make_members(name, groups)
                ]
                ended = time.perf_counter()
                refits = 0 if members[0].holds_out else (ended - begun) * self._count_inner(len(x))
                if fitted and ended - started + promised + refits > budget:
                    continue
                fitted += members
                promised += refits
            self._fit_weights(fitted, x, y, base)
