"""What every model is: a scikit-learn estimator on trial x time x neuron arrays.

Settings are ``__init__`` arguments (most models are dataclasses, whose fields they are), ``fit(x,
y)`` learns, preprocessing included, ``predict(x)`` returns the mean of y in its unit,
``transform(x)`` returns latents where the model has any, fitted state ends in ``_``.
"""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import RegressorTags, Tags
from sklearn.utils.validation import check_is_fitted

from spikecast.core.checks import check_finite, check_same_length, check_three_axes, to_numeric
from spikecast.core.errors import InputError, NotEnoughDataError, ShapeError
from spikecast.models.inner_cv import note_validation, number_rows, split_inner_folds
from spikecast.models.rate_ceiling import MAX_LOG_RATE, find_max_log_rate
from spikecast.models.setting_checks import check_settings
from spikecast.models.shared_docs import complete_docs
from spikecast.models.spaces import Space
from spikecast.scoring import metrics
from spikecast.tasks.splits import Fold

RATE_FLOOR = 1e-4
"""Smallest expected count per bin that a least-squares model predicts for counts.

It keeps scores finite, no more. An average of few trials is 0 in many bins, and every spike there
costs log(1e-4): shrink it towards the mean, as :func:`spikecast.scoring.metrics.psth` does.
"""

HELD_OUT_PARTS = 5
"""Parts of the training trials that are held out in turn where a model is fitted again."""

Areas = Sequence[str] | np.ndarray
"""The area of each source, (source,)."""


def is_counts(y: np.ndarray) -> bool:
    """Return whether `y` holds counts: whole numbers, none negative.

    Examples
    --------
    >>> is_counts(np.array([0, 2])), is_counts(np.array([0.0, 2.0])), is_counts(np.array([0.5]))
    (True, True, False)
    """
    if y.dtype.kind in "ub":
        return True
    return bool(y.min() >= 0 and (y.dtype.kind == "i" or (y == np.floor(y)).all()))


def check_array(x: np.ndarray) -> np.ndarray:
    """Return `x` as a checked array (trial, time, neuron) of finite numbers."""
    check_three_axes("x", x)
    x = to_numeric("x", x)
    check_finite("x", x)
    return x


class Model(BaseEstimator):
    """Base class of all models: checks arrays, then calls what a subclass implements.

    A subclass implements ``_fit(x, y)`` and ``_predict(x)``, and ``_transform(x)`` where it has
    latents.

    Attributes
    ----------
    title : str
        What a page calls the model; by default its name in the catalogue.
    about, paper : str
        One line on the model, and where it comes from, for ``spikecast models``.
    kinds : tuple of str
        Kinds of target the model can predict: ``"counts"``, ``"continuous"``.
    is_null : bool
        Whether predictions look at no other neuron: what any model has to beat.
    is_baseline : bool
        Whether it is one of the simple models that a network has to beat.
    causal : bool
        Whether prediction and latents at bin t use bins up to t only. An ``__init__`` argument
        where the model can be either.
    search_space : dict
        What a search tries: setting -> :class:`spikecast.models.spaces.Between` or ``OneOf``.
    why_not_searched : str
        Why `search_space` is empty, where it is on purpose.
    fit_record : tuple of str
        Fitted attributes that say what ``fit`` chose and how training went: they are kept with a
        run (``describe_fit``).
    reconstructs : bool
        Whether the model learns from `x` alone, to reconstruct it, where `y` is left out.
    needs : tuple of str
        Arguments of ``fit`` besides `x` and `y`: ``("areas",)``, which it cannot do without;
        ``("trials",)``, which ``predict`` takes as well; or none. A
        :class:`spikecast.tasks.problem.Problem` gives them: ``problem.metadata(model.needs)``.
    counts_ : bool
        Whether the fitted target holds counts.
    areas_ : array of int, (source,)
        A number per area, where the model needs areas.
    adds_ : bool
        Whether the model was fitted on top of another prediction.
    """

    def __init_subclass__(cls) -> None:
        complete_docs(cls)

    title: str = ""
    about: str = ""
    paper: str = ""
    kinds: tuple[str, ...] = ("counts", "continuous")
    is_null: bool = False
    is_baseline: bool = False
    causal: bool = False
    search_space: ClassVar[Space] = {}
    why_not_searched: str = ""
    fit_record: tuple[str, ...] = ()
    reconstructs: bool = False
    max_log_rate_: float = MAX_LOG_RATE  # of models stored before it was fitted

    @property
    def needs(self) -> tuple[str, ...]:
        """Arguments of ``fit`` besides x and y that it cannot do without."""
        return ("areas",) if getattr(self, "hide_areas", False) else ()

    def __sklearn_tags__(self) -> Tags:
        """Return what scikit-learn asks: a regressor on arrays of three axes."""
        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor"
        tags.regressor_tags = RegressorTags()
        tags.target_tags.required = not self.reconstructs
        tags.target_tags.multi_output, tags.target_tags.single_output = True, False
        tags.input_tags.two_d_array, tags.input_tags.three_d_array = False, True
        return tags

    def fit(
        self,
        x: np.ndarray,
        y: np.ndarray | None = None,
        areas: Areas | None = None,
        base: np.ndarray | None = None,
    ) -> Self:
        """Learn to predict `y` from `x`.

        Parameters
        ----------
        x : array, (trial, time, source)
        y : array, (trial, time, target)
            Counts (whole numbers, Poisson) or continuous values (Gaussian). Autoencoders and lfads
            reconstruct `x` where it is left out.
        areas : sequence of str, (source,), optional
            The area of each source, for models that need it (``needs``).
        base : array, (trial, time, target), optional
            A prediction of `y` made without `x`: what the source tells on top of it is learnt (its
            log rate, or for continuous values the prediction itself, is added to). For models that
            can (``can_add``); ``predict`` is then given one as well.

        Returns
        -------
        self

        Raises
        ------
        ShapeError
            When the axes disagree.
        InputError
            For NaN, a kind of target that the model cannot predict, areas that are missing, or
            areas that the model does not use.
        """
        x, y = self._check_data(x, y, areas)
        self.adds_ = base is not None
        if base is None:
            self._fit(x, y)
        else:
            self._fit_on_top(x, y, self._check_base(base, y.shape))
        return self

    def _check_base(self, base: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        if not self.can_add:
            raise InputError(
                f"{type(self).__name__} cannot be fitted on top of another prediction; take "
                "poisson_glm, pca_ridge, timescales or a stack of them"
            )
        base = np.asarray(base)
        if base.shape != shape:
            raise ShapeError(f"base has shape {base.shape}; it must be that of y, {shape}")
        check_finite("base", base)
        if self.counts_ and not base.min() > 0:
            raise InputError(f"base holds {base.min():g}; expected counts must be above 0")
        return base

    def _check_data(
        self, x: np.ndarray, y: np.ndarray | None, areas: Areas | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return `x` and `y` as checked arrays; note their kind, sizes and areas."""
        check_settings(self)
        if y is None and not self.reconstructs:
            raise InputError(
                f"{type(self).__name__} needs targets: give fit(x, y); autoencoders and lfads "
                "need none"
            )
        x, y = check_array(x), x if y is None else y
        check_three_axes("y", y)
        y = to_numeric("y", y)
        check_same_length("x", x.shape[0], "y", y.shape[0])
        check_same_length("the time axis of x", x.shape[1], "that of y", y.shape[1])
        if 0 in x.shape or 0 in y.shape:
            raise NotEnoughDataError(f"there is nothing to fit: x is {x.shape}, y is {y.shape}")
        check_finite("y", y)
        self.counts_ = is_counts(y)
        self.max_log_rate_ = find_max_log_rate(y) if self.counts_ else MAX_LOG_RATE
        if self._kind not in self.kinds:
            raise InputError(
                f"{type(self).__name__} predicts {self.kinds[0]}, not {self._kind} targets"
            )
        self.n_bins_, self.n_sources_, self.n_targets_ = *x.shape[1:], y.shape[2]
        self._set_areas(areas)
        return x, y

    def _set_areas(self, areas: Areas | None) -> None:
        name = type(self).__name__
        if "areas" not in self.needs:
            if areas is not None:
                raise InputError(
                    f"{name} does not use areas with these settings; leave areas out, or take a "
                    "transformer with hide_areas=True"
                )
            return
        if areas is None:
            raise InputError(
                f"{name} with hide_areas=True needs the area of each source; give "
                "fit(x, y, areas=...), or a task whose sources have areas"
            )
        check_same_length("areas", len(areas), "the source axis of x", self.n_sources_)
        self.areas_ = np.unique(areas, return_inverse=True)[1]

    def predict(self, x: np.ndarray, base: np.ndarray | None = None) -> np.ndarray:
        """Return the expected value of the targets, (trial, time, target), in y's unit per bin.

        `base` is a prediction of the same trials, where the model was fitted on top of one.
        """
        x = self._check_sources(x)
        adds = getattr(self, "adds_", False)
        if (base is not None) != adds:
            how = "on top of another prediction: give base" if adds else "without a base"
            raise InputError(f"{type(self).__name__} was fitted {how}")
        expected = (*x.shape[:2], self.n_targets_)
        if base is None:
            prediction = self._predict(x)
        else:
            prediction = self._predict_on_top(x, self._check_base(base, expected))
        if np.shape(prediction) != expected:  # it would be spread over all bins and targets
            raise ShapeError(
                f"{type(self).__name__} predicted {np.shape(prediction)}; it must predict (trial, "
                f"time, target), here {expected}"
            )
        return prediction

    def fit_transform(self, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        """Return the latents of the trials that the model is fitted to: ``fit(x, y).transform(x)``.

        They have seen these trials: decode from latents of held-out ones
        (:class:`spikecast.sources.Latents`).
        """
        return self.fit(x, y).transform(x)

    def score(self, x: np.ndarray, y: np.ndarray | None = None) -> float:
        """Return how well `y` is predicted, as scikit-learn scores: 1 is perfect, 0 their mean.

        Deviance explained for counts, else R2 averaged over targets, both against each target's
        mean over the trials that are scored. ``sc.cross_validate`` scores against what was known
        before.
        """
        truth = np.asarray(x if y is None and self.reconstructs else y)
        prediction = self.predict(x)
        mean = metrics.null_rate(truth, truth)
        if self.counts_:
            fires = truth.any(axis=(0, 1))
            return metrics.d2(truth[..., fires], prediction[..., fires], mean[..., fires])
        return float(np.nanmean(metrics.score_continuous(truth, prediction, mean).r2))

    @property
    def can_add(self) -> bool:
        """Whether the model can be fitted on top of another prediction."""
        return type(self)._fit_on_top is not Model._fit_on_top

    @property
    def _kind(self) -> str:
        """Kind of the fitted targets, ``"counts"`` or ``"continuous"``."""
        return "counts" if self.counts_ else "continuous"

    def clone_with_choices(self) -> Self:
        """Return an unfitted copy with the settings that ``fit`` chose on validation trials."""
        return clone(self)

    @property
    def holds_out(self) -> bool:
        """Whether a part of the model did not learn from each training trial: no refit is needed.

        See :meth:`predict_held_out`.
        """
        return False

    def predict_held_out(
        self,
        x: np.ndarray,
        y: np.ndarray,
        areas: Areas | None = None,
        base: np.ndarray | None = None,
        n_parts: int = HELD_OUT_PARTS,
    ) -> Iterator[tuple[Fold, np.ndarray]]:
        """Predict each training trial by members of the model, or by a refit, that did not see it.

        Parameters
        ----------
        x, y, areas, base
            The training trials, as ``fit`` was given them.
        n_parts : int
            Parts that they are cut into, where the model is refitted.

        Yields
        ------
        fold : Fold
            What was learnt from, and a part of the trials, which were not.
        natural : array, (trial of the part, time, target)
            Log rates (continuous targets: expected values).
        """
        if self.holds_out:
            yield from self._predict_by_members(x, base)
            return
        for fold in split_inner_folds(len(x), n_parts, getattr(self, "seed", 0)):
            yield fold, self._predict_by_refit(fold, x, y, areas, base)

    def _predict_by_members(
        self, x: np.ndarray, base: np.ndarray | None
    ) -> Iterator[tuple[Fold, np.ndarray]]:
        """Yield parts of the training trials, each predicted by what held it out."""
        raise NotImplementedError

    def _predict_by_refit(
        self, fold: Fold, x: np.ndarray, y: np.ndarray, areas: Areas | None, base: np.ndarray | None
    ) -> np.ndarray:
        """Return log rates (or values) of a fold's test trials, learnt from its other trials."""
        note_validation(fold.test)
        learnt, held = (None, None) if base is None else (base[fold.train], base[fold.test])
        with number_rows(fold.train):
            refitted = self.clone_with_choices().fit(x[fold.train], y[fold.train], areas, learnt)
        predicted = refitted.predict(x[fold.test], held)
        return np.log(np.maximum(predicted, RATE_FLOOR)) if self.counts_ else predicted

    def describe_fit(self) -> dict[str, Any]:
        """Return what ``fit`` chose and how training went, as plain numbers and text."""
        record = {name: vars(self)[name] for name in self.fit_record if name in vars(self)}
        return {
            name.removesuffix("_"): value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in record.items()
        }

    @property
    def has_latents(self) -> bool:
        """Whether ``transform`` gives latents."""
        return type(self)._transform is not Model._transform

    def transform(self, x: np.ndarray) -> np.ndarray:
        """Return the latents, (trial, time, latent).

        Raises
        ------
        InputError
            When the model has none.
        """
        return self._transform(self._check_sources(x))

    def _check_sources(self, x: np.ndarray) -> np.ndarray:
        check_is_fitted(self, "n_targets_")
        x = check_array(x)
        if x.shape[2] != self.n_sources_:
            raise ShapeError(
                f"x has {x.shape[2]} source neurons; the model was fitted on {self.n_sources_}"
            )
        if 0 in x.shape:
            raise NotEnoughDataError(f"there is nothing to predict: x is {x.shape}")
        return x

    def _fit(self, x: np.ndarray, y: np.ndarray) -> Any:
        raise NotImplementedError

    def _predict(self, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _fit_on_top(self, x: np.ndarray, y: np.ndarray, base: np.ndarray) -> Any:
        raise NotImplementedError

    def _predict_on_top(self, x: np.ndarray, base: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _transform(self, x: np.ndarray) -> np.ndarray:
        raise InputError(f"{type(self).__name__} has no latents")

    def _clip_to_rates(self, prediction: np.ndarray) -> np.ndarray:
        """Return a least-squares prediction, raised to possible rates where targets are counts."""
        return np.maximum(prediction, RATE_FLOOR) if self.counts_ else prediction
