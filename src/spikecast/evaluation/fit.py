"""How fits are run: the one place that copies, seeds, fits and times a model and records its data.

Whatever fits a model of the catalogue does it here. What a fit was given is read from the arrays
and rows that it received, not from what its caller meant to give: audits rest on it.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np
from pydantic import ConfigDict
from sklearn.base import BaseEstimator, clone

from spikecast.core.errors import DivergedError
from spikecast.core.seeding import derive_seed
from spikecast.models.base import Model
from spikecast.models.inner_cv import watch_validation
from spikecast.parallel.threads import limit_threads
from spikecast.tasks.splits import Fold

if TYPE_CHECKING:  # torch takes seconds to import
    from spikecast.models.sessions import ManySessions

M = TypeVar("M", bound=BaseEstimator)
Arrays = Sequence[np.ndarray]
NEURONS_AT_A_TIME = 256  # that are copied to be hashed
FIT = "fit_"  # before the names of a record's arrays in a file


@dataclass(frozen=True)
class FitRecord:
    """The trials and arrays that one fit received."""

    __pydantic_config__ = ConfigDict(arbitrary_types_allowed=True)  # verdicts name the class

    train: np.ndarray  # trials that the model learnt from, in the order of its rows
    validation: np.ndarray  # those of them on which it judged its settings or when to stop
    test: np.ndarray  # trials that it is scored on
    # hash of each trial of the target, (row,): targets that belong to another trial show in it
    target_rows: np.ndarray
    # hash of each neuron's activity in these rows, 0 where it is constant, (neuron,): a source that
    # is also a target, under whatever name, shows in it
    source_neurons: np.ndarray
    target_neurons: np.ndarray

    def to_arrays(self, prefix: str = FIT) -> dict[str, np.ndarray]:
        """Return name -> array, as a job's file keeps them."""
        return {f"{prefix}{name}": values for name, values in asdict(self).items()}

    @classmethod
    def from_arrays(cls, stored: Mapping[str, np.ndarray], prefix: str = FIT) -> "FitRecord":
        """Return the record that :meth:`to_arrays` wrote."""
        return cls(**{name: stored[f"{prefix}{name}"] for name in cls.__dataclass_fields__})


class Timed(NamedTuple, Generic[M]):
    """A fitted model and the seconds that its fit took."""

    model: M
    seconds: float


class Fitted(NamedTuple):
    """A fitted model, the seconds that its fit took, and what it was given."""

    model: Model
    seconds: float
    record: FitRecord


def fit_model(
    model: Model,
    x: np.ndarray,
    y: np.ndarray,
    fold: Fold,
    *,
    seed: int | None = None,
    index: int = 0,
    metadata: Mapping[str, Any] | None = None,
) -> Fitted:
    """Fit a copy of a model on the training trials of a fold, on one thread.

    `x` and `y` hold all trials, (trial, time, source) and (trial, time, target). The copy's seed is
    derived from `seed` and `index`: folds differ in their draws, models of one fold share their
    validation parts. Without a seed the model keeps its own. `metadata` is ``problem.metadata()``.

    Examples
    --------
    >>> from spikecast.models.linear import PCARidge
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(12, 8, 4)); y = x[..., :2] + 1
    >>> fitted = fit_model(PCARidge(), x, y, Fold(np.arange(8), np.arange(8, 12)))
    >>> fitted.record.train.tolist(), fitted.record.test.tolist()
    ([0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 10, 11])
    """
    x_train, y_train = x[fold.train], y[fold.train]

    def fit(copy: Model) -> Model:
        return copy.fit(x_train, y_train, **select_metadata(copy, metadata, fold.train))

    with watch_validation() as rows:
        fitted = _run_fit(model, None if seed is None else derive_seed(seed, "fold", index), fit)
    validation = np.union1d(list(rows), getattr(fitted.model, "validation_rows_", ()))
    return Fitted(*fitted, record_fit(x_train, y_train, fold, validation.astype(int)))


def record_fit(
    x_train: np.ndarray, y_train: np.ndarray, fold: Fold, validation: np.ndarray
) -> FitRecord:
    """Return the record of a fit on the arrays it received; `validation` are rows of these."""
    dtype = np.result_type(x_train, y_train)
    return FitRecord(
        np.asarray(fold.train),
        np.asarray(fold.train)[validation],
        np.asarray(fold.test),
        hash_rows(y_train),
        hash_neurons(x_train, dtype),
        hash_neurons(y_train, dtype),
    )


def select_metadata(
    model: Model, metadata: Mapping[str, Any] | None, rows: np.ndarray
) -> dict[str, Any]:
    """Return what a model needs besides arrays; facts about trials are those of some rows.

    A `base`, (trial, time, target), is handed on to whichever model it is given with.
    """
    metadata = metadata or {}
    known = {name: metadata.get(name) for name in getattr(model, "needs", ())}
    trials = known.get("trials")
    if trials is not None:
        known["trials"] = trials.take(rows)
    if "base" in metadata:
        known["base"] = metadata["base"][rows]
    return known


def predict_trials(
    model: Model, x: np.ndarray, rows: np.ndarray, metadata: Mapping[str, Any] | None = None
) -> np.ndarray:
    """Return a fitted model's predictions of some trials, float32, (row, time, target)."""
    known = select_metadata(model, metadata, rows)
    known.pop("areas", None)  # only ``fit`` takes them
    return model.predict(x[rows], **known).astype(np.float32)


def fit_sessions(
    many: "ManySessions",
    xs: Arrays,
    ys: Arrays,
    conditions: Arrays | None,
    *,
    seed: int,
    metadata: Mapping[str, Sequence[Any]],
) -> Timed["ManySessions"]:
    """Fit a copy of a model of several sessions on the arrays of each, on one thread."""
    return _run_fit(many, seed, lambda copy: copy.fit(xs, ys, conditions, **metadata))


def adapt_session(
    many: "ManySessions",
    x: np.ndarray,
    y: np.ndarray,
    condition: np.ndarray | None,
    *,
    seed: int,
    metadata: Mapping[str, Any],
) -> Timed[Model]:
    """Adapt a fitted model of several sessions to another session, on one thread."""
    many.set_params(seed=seed)
    return _time_fit(lambda: many.adapt(x, y, condition, **metadata))


def _run_fit(model: M, seed: int | None, fit: Callable[[M], M]) -> Timed[M]:
    copy = clone(model)
    if seed is not None and "seed" in copy.get_params():
        copy.set_params(seed=seed)
    return _time_fit(lambda: fit(copy))


def _time_fit(fit: Callable[[], M]) -> Timed[M]:
    with limit_threads():
        started = time.perf_counter()
        fitted = fit()
        return Timed(fitted, time.perf_counter() - started)


# ------------------------------------------------------------------------------------ jobs


@dataclass(frozen=True)
class Job:
    """Fit `model` on the training trials of `fold` and predict its test trials.

    `metadata` is ``problem.metadata()``; `latents` whether those of the test trials are wanted.
    """

    name: str
    model: Model
    index: int
    fold: Fold
    seed: int
    metadata: Mapping[str, Any] = field(default_factory=dict)
    latents: bool = True


@dataclass(frozen=True)
class JobResult:
    """The fitted model of a job, and what it makes of the test trials."""

    name: str  # of the model
    index: int  # of the fold
    prediction: np.ndarray  # float32, (test trial, time, target)
    latents: np.ndarray | None  # float32, (test trial, time, latent)
    fitted: Fitted


def run_job(job: Job, x: np.ndarray, y: np.ndarray) -> JobResult:
    """Fit a job's model and return its predictions of the test trials."""
    with limit_threads():
        fitted = fit_model(
            job.model, x, y, job.fold, seed=job.seed, index=job.index, metadata=job.metadata
        )
        x_test = x[job.fold.test]
        prediction = predict_trials(fitted.model, x, job.fold.test, job.metadata)
        wanted = job.latents and fitted.model.has_latents
        latents = fitted.model.transform(x_test).astype(np.float32) if wanted else None
    for what, values in (("predictions", prediction), ("latents", latents)):
        if values is not None and not np.isfinite(values).all():
            raise DivergedError(f"{what} of held-out trials are NaN or infinite")
    return JobResult(job.name, job.index, prediction, latents, fitted)


# ------------------------------------------------------------------------------------ hashes


def hash_rows(values: np.ndarray) -> np.ndarray:
    """Return a hash of each row, (row,), whatever its data type.

    Examples
    --------
    >>> rows = hash_rows(np.array([[1, 2], [3, 4], [1, 2]]))
    >>> bool(rows[0] == rows[2]), bool(rows[0] == rows[1])
    (True, False)
    """
    return np.array([_hash(np.asarray(row, dtype=float)) for row in values], dtype=np.uint64)


def hash_neurons(values: np.ndarray, dtype: np.dtype | None = None) -> np.ndarray:
    """Return a hash of each neuron's values (the last axis), (neuron,); 0 for a constant one."""
    flat = values.reshape(-1, values.shape[-1])
    hashes = np.zeros(flat.shape[1], dtype=np.uint64)
    for start in range(0, flat.shape[1], NEURONS_AT_A_TIME):
        block = slice(start, start + NEURONS_AT_A_TIME)
        neurons = np.ascontiguousarray(flat[:, block].T, dtype=dtype)
        varies = (neurons != neurons[:, :1]).any(axis=1)
        hashes[block] = [_hash(neuron) for neuron in neurons]
        hashes[block][~varies] = 0
    return hashes


def _hash(values: np.ndarray) -> int:
    digest = hashlib.blake2b(np.ascontiguousarray(values).data, digest_size=8).digest()
    return int.from_bytes(digest, "little")
