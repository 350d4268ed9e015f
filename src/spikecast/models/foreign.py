"""Models from elsewhere: any object with ``fit(x, y)`` and ``predict(x)`` as a :class:`Model`."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.multioutput import MultiOutputRegressor
from sklearn.utils import get_tags

from spikecast.core.checks import check_finite, shorten_line
from spikecast.core.errors import InputError, ShapeError
from spikecast.data.binning import check_magnitude
from spikecast.models.base import Model

NO_REGRESSORS = ("classifier", "clusterer", "outlier_detector", "density_estimator")


@dataclass(eq=False, repr=False)
class ForeignModel(Model):
    """An object with ``fit(x, y)`` and ``predict(x)``, used as a model of this package.

    ``fit`` and ``predict`` are given arrays (trial, time, neuron) of float64, and ``predict`` must
    return (trial, time, target) in y's unit per bin. Regressors of scikit-learn (and others that
    call themselves regressors) are given one row per bin instead, (trial * time, neuron); as they
    do not expect counts, rates that they predict below 0 are raised to a small one, as in the
    package's own least-squares models. One that predicts a single target is fitted once per target.

    The object itself is never fitted, only copies of it: :func:`sklearn.base.clone`, which is a
    deep copy where it has no ``get_params``. There are no latents, and the fitted model cannot be
    saved: a run keeps its predictions without weights.

    Parameters
    ----------
    estimator : object
        With ``fit(x, y)`` and ``predict(x)``.
    flatten : bool, optional
        Whether to give it one row per bin. By default, where it is a regressor in scikit-learn's
        sense.
    seed : int, optional
        Given to the estimator as its ``random_state`` or ``seed``, where it has such a setting and
        leaves it at None.

    Attributes
    ----------
    estimator_ : object
        The fitted copy.

    Raises
    ------
    ShapeError
        When what ``predict`` returns is not (trial, time, target).
    InputError
        For a classifier and the like, for one that cannot be fitted to three axes, and when a
        prediction is not a finite number, or a predicted count is below 0.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> rng = np.random.default_rng(0)
    >>> x = rng.poisson(0.5, (20, 30, 6)); y = x[..., :2]
    >>> ForeignModel(Ridge()).fit(x, y).predict(x).shape
    (20, 30, 2)
    """

    about = "a model from elsewhere"
    why_not_searched = "only models of the catalogue are searched"

    estimator: Any
    flatten: bool | None = None
    seed: int | None = None

    def make_estimator(self) -> Any:
        """Return the object to fit, unfitted; a subclass may make its own."""
        return clone(self.estimator, safe=False)

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        estimator = self.make_estimator()
        _set_seed(estimator, self.seed)
        tags = get_tags(estimator) if hasattr(estimator, "__sklearn_tags__") else None
        is_regressor = tags is not None and tags.estimator_type == "regressor"
        self.flattened_ = is_regressor if self.flatten is None else self.flatten
        if tags is not None and tags.estimator_type in NO_REGRESSORS:
            raise InputError(
                f"{type(estimator).__name__} is a {tags.estimator_type.replace('_', ' ')}; what is "
                "predicted here is activity or behaviour, bin by bin: take a regressor"
            )
        if self.flattened_ and tags is not None and not tags.target_tags.multi_output:
            estimator = MultiOutputRegressor(estimator)
        try:
            estimator.fit(self._arrange(x), self._arrange(y))
        except (ValueError, TypeError, IndexError) as error:
            if self.flattened_:
                raise
            name = type(estimator).__name__
            raise InputError(
                f"{name} could not be fitted to arrays (trial, time, neuron): "
                f"{shorten_line(error)}. If it expects a row per sample, give "
                f"sc.models.ForeignModel({name}(...), flatten=True)"
            ) from error
        self.estimator_ = estimator

    def _predict(self, x: np.ndarray) -> np.ndarray:
        given = self.estimator_.predict(self._arrange(x))
        prediction = np.asarray(given)
        expected = (*x.shape[:2], self.n_targets_)
        if self.flattened_ and prediction.size == np.prod(expected):
            prediction = self._clip_to_rates(prediction.reshape(expected))
        name = f"{type(self.estimator_).__name__}.predict"
        if prediction.shape != expected:
            raise ShapeError(
                f"{name} returned {prediction.shape}; it must return (trial, time, target), here "
                f"{expected}"
            )
        if np.ma.is_masked(given) or prediction.dtype.kind not in "iufbO":
            what = "masked values" if np.ma.is_masked(given) else str(prediction.dtype)
            raise InputError(f"{name} returned {what}; it must return real numbers")
        check_finite(f"what {name} returned", prediction)
        check_magnitude(f"value that {name} returned", prediction)
        if self.counts_ and prediction.min() < 0:
            raise InputError(
                f"{name} returned {prediction.min():g} for targets that are counts; expected "
                "counts cannot be below 0"
            )
        return prediction

    def _arrange(self, z: np.ndarray) -> np.ndarray:
        """Return an array as the estimator reads it."""
        # counts come as small unsigned integers, in which a difference below 0 overflows
        z = z.astype(np.float64)
        return z.reshape(-1, z.shape[2]) if self.flattened_ else z


def adapt_model(model: object) -> Model:
    """Return a model as it is, and any other object as a :class:`ForeignModel`.

    Raises InputError when it has no ``fit`` and ``predict``, or is a class and not an instance.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> adapt_model(Ridge(alpha=2.0))
    ForeignModel(estimator=Ridge(alpha=2.0))
    """
    if isinstance(model, Model):
        return model
    if isinstance(model, type):
        raise InputError(
            f"{model.__name__} is a class; give an instance of it, {model.__name__}(...)"
        )
    for method in ("fit", "predict"):
        if not callable(getattr(model, method, None)):
            raise InputError(
                f"{type(model).__name__} has no method '{method}'; a model needs fit(x, y) and "
                "predict(x)"
            )
    return ForeignModel(model)


def _set_seed(estimator: Any, seed: int | None) -> None:
    if seed is None or not hasattr(estimator, "get_params"):
        return
    unset = {
        name: seed
        for name, value in estimator.get_params().items()
        if name.rpartition("__")[2] in ("random_state", "seed") and value is None
    }
    if unset:
        estimator.set_params(**unset)
