"""Simulated two-photon recordings of spontaneous activity, with planted truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d

from spikecast.core.checks import check_count, check_finite, check_in_range, check_kind, to_numeric
from spikecast.core.seeding import make_rng
from spikecast.data.readers import stringer
from spikecast.data.simulate.limits import LARGEST, check_counts, check_sizes
from spikecast.data.simulate.planted import Simulated, Truth, draw_ornstein_uhlenbeck, label_latents


@dataclass(frozen=True)
class Imaging:
    """What :func:`spontaneous` is told of the neurons and of the microscope."""

    n_neurons: int = 1000
    n_bins: int = 2000
    planes: int | Sequence[int] = 9
    n_latents: int = 16
    n_own: int = 2
    bin_size: float = stringer.BIN_SIZE
    noise: float = 1.0
    threshold: float = 0.5
    keep_rate: bool = True

    @property
    def groups(self) -> np.ndarray:
        """The group of each plane, (plane,)."""
        if isinstance(self.planes, Integral):
            return np.zeros(self.planes, dtype=int)
        return np.asarray(self.planes, dtype=int)


@dataclass(frozen=True)
class Mouse:
    """What :func:`running_mouse` is told of the animal; the defaults are those of `spontaneous`."""

    growth: float = 1.0
    tuning: float = 1.0
    n_face: int = 0


def spontaneous(
    n_neurons: int = 1000,
    n_bins: int = 2000,
    *,
    planes: int | Sequence[int] = 9,
    n_latents: int = 16,
    n_own: int = 2,
    bin_size: float = stringer.BIN_SIZE,
    noise: float = 1.0,
    threshold: float = 0.5,
    keep_rate: bool = True,
    seed: int = 0,
) -> Simulated:
    """Simulate two-photon imaging of spontaneous activity, several planes at once.

    The drive of a neuron is a baseline plus latents times loadings, passed through a soft
    rectification; deconvolved activity is that drive times multiplicative gamma noise. Latents
    that planes share have variances falling as 1/rank, as in Stringer et al. 2019; the first
    is running speed, the second slow arousal, which also widens the pupil.

    Parameters
    ----------
    n_neurons, n_bins : int
    planes : int or sequence of int
        How many planes there are, all of which share latents. Or the group of each plane: only
        planes of the same group share latents, `n_latents` in each group; running and arousal are
        among those of the lowest.
    n_latents : int
        Shared latents, running and arousal included.
    n_own : int
        Further latents that each plane has for itself.
    bin_size : float
        Seconds per bin.
    noise : float
        Variance of the multiplicative noise; 0 gives the drive itself.
    threshold : float
        Drive at which the rectification bends: far below 0 every neuron is linear in the latents,
        so that activity has as many dimensions as there are latents.
    keep_rate : bool
        Whether ``truth.rate`` (the size of the recording) is kept.
    seed : int

    Returns
    -------
    Simulated
        ``.recording`` is continuous, with ``running``, ``pupil_area``, ``pupil_position`` and the
        neuron coordinates ``x, y, z, plane``.

    Examples
    --------
    >>> simulated = spontaneous(n_neurons=30, n_bins=100, planes=3)
    >>> simulated.recording.behavior
    ['running', 'pupil_area', 'pupil_position']
    """
    imaging = Imaging(
        n_neurons, n_bins, planes, n_latents, n_own, bin_size, noise, threshold, keep_rate
    )
    return _simulate(imaging, Mouse(), seed)


def running_mouse(
    *, growth: float = 1.0, tuning: float = 1.0, n_face: int = 0, seed: int = 0, **imaging: Any
) -> Simulated:
    """Simulate spontaneous activity of an animal whose running can change over the session.

    Parameters
    ----------
    growth : float
        How many times faster the animal runs at the end than at the start.
    tuning : float
        How strongly neurons follow running, as a multiple of :func:`spontaneous`; 0: not at all.
    n_face : int
        Components of a film of the face, in ``face_svd``: the first follows running, the second
        arousal, the others are noise.
    seed : int
    **imaging
        The other arguments of :func:`spontaneous`.

    Returns
    -------
    Simulated

    Examples
    --------
    >>> mouse = running_mouse(growth=3.0, n_neurons=10, n_bins=2000, planes=1)
    >>> speed = mouse.recording.dataset["running"].values[0]
    >>> bool(speed[1000:].mean() > 1.3 * speed[:1000].mean())
    True
    """
    return _simulate(Imaging(**imaging), Mouse(growth, tuning, n_face), seed)


def _simulate(imaging: Imaging, mouse: Mouse, seed: int) -> Simulated:
    """Return a simulated recording of an animal."""
    _check(imaging, mouse)
    n_neurons, n_bins, bin_size = imaging.n_neurons, imaging.n_bins, imaging.bin_size
    groups, n_latents, n_own = imaging.groups, imaging.n_latents, imaging.n_own
    n_planes = len(groups)
    of_group = np.repeat(np.unique(groups), n_latents)  # the group of each shared latent
    n_shared = of_group.size
    rng = make_rng(seed, "latents")
    running = _draw_running(n_bins, bin_size, mouse.growth, rng)
    arousal = draw_ornstein_uhlenbeck(1, n_bins, 60.0 / bin_size, rng)[0]
    constants = rng.uniform(2.0, 30.0, n_shared + n_own * n_planes) / bin_size
    latents = np.stack([draw_ornstein_uhlenbeck(1, n_bins, c, rng)[0] for c in constants], axis=1)
    latents[:, 0] = (running - running.mean()) / max(running.std(), 1e-6)
    latents[:, 1] = arousal

    rng = make_rng(seed, "neurons")
    plane = np.sort(np.arange(n_neurons) % n_planes)
    own = np.repeat(np.arange(n_planes), n_own)  # the plane of each further latent
    loadings = rng.normal(size=(latents.shape[1], n_neurons))
    rank = 1 + np.arange(n_shared) % n_latents
    reached = of_group[:, np.newaxis] == groups[plane]
    loadings[:n_shared] *= (0.8 / np.sqrt(rank))[:, np.newaxis] * reached
    loadings[0] *= mouse.tuning
    loadings[n_shared:] *= 0.4 * (own[:, np.newaxis] == plane)
    scale = rng.lognormal(0.0, 0.7, n_neurons).astype(np.float32)
    activity, rate = _compute_activity(latents, loadings, scale, imaging, make_rng(seed, "noise"))

    pupil = gaussian_filter1d(latents[:, 0], 3.0) + 0.7 * arousal + rng.normal(0, 0.3, n_bins)
    raw = {
        "sresp": activity,
        "bin_size": bin_size,
        "session": f"Simulated seed {seed}",
        "subject": "Simulated",
        "run": running[:, np.newaxis].astype(np.float32),
        "pupilArea": (100 + 20 * pupil)[:, np.newaxis].astype(np.float32),
        "pupilCOM": rng.normal(0, 1, (n_bins, 2)).astype(np.float32),
        "xyz": np.stack([*rng.uniform(0, 1000, (2, n_neurons)), -400.0 + 30.0 * plane]),
    }
    if mouse.n_face:
        raw["beh_svd_time"] = _draw_face(latents, mouse.n_face, make_rng(seed, "face"))
    shared = ["shared" if group == min(groups) else f"group {group}" for group in of_group]
    names = ["running", "arousal", *(f"shared_{i}" for i in range(2, n_shared))]
    names += [f"plane{index}_{i % n_own}" for i, index in enumerate(own)]
    owners = shared + [f"plane {index}" for index in own]
    arrays = label_latents(
        latents[np.newaxis],
        loadings,
        {"latent": names, "owner": ("latent", owners)},
        neurons={"plane": ("neuron", plane)},
    )
    return Simulated(stringer.build_recording(raw, "simulated"), Truth(rate, *arrays))


def _compute_activity(
    latents: np.ndarray,
    loadings: np.ndarray,
    scale: np.ndarray,
    imaging: Imaging,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return activity (neuron, time) and, with `keep_rate`, its drive (1, time, neuron)."""
    noise, threshold = imaging.noise, imaging.threshold
    n_bins, n_neurons = len(latents), len(scale)
    activity = np.empty((n_neurons, n_bins), dtype=np.float32)
    rate = np.empty((1, n_bins, n_neurons), dtype=np.float32) if imaging.keep_rate else None
    latents = latents.astype(np.float32)
    for start in range(0, n_neurons, 500):  # so that no second array of this size is made
        block = slice(start, start + 500)
        drive = np.logaddexp(0.0, latents @ loadings[:, block].astype(np.float32) - threshold)
        drive *= scale[block]
        if rate is not None:
            rate[0, :, block] = drive
        if noise > 0:
            drive *= rng.standard_gamma(1.0 / noise, drive.shape, dtype=np.float32) * noise
        activity[block] = drive.T
    return activity, rate


def _check(imaging: Imaging, mouse: Mouse) -> None:
    """Raise an InputError for an argument that is of another type, or out of range."""
    n_neurons = imaging.n_neurons
    check_counts(0, n_own=imaging.n_own, n_face=mouse.n_face)
    check_counts(1, n_neurons=n_neurons)
    check_counts(2, n_bins=imaging.n_bins, n_latents=imaging.n_latents)
    check_sizes(1e-6, bin_size=imaging.bin_size)
    check_sizes(0, noise=imaging.noise, growth=mouse.growth)
    check_sizes(-LARGEST, threshold=imaging.threshold, tuning=mouse.tuning)
    check_kind(imaging.keep_rate, bool)
    planes = to_numeric("planes", imaging.planes)
    if planes.ndim == 0:
        check_count("planes", planes.item(), 1, n_neurons)
    check_finite("planes", planes)
    check_in_range("the number of planes", imaging.groups.size, 1, n_neurons)


def _draw_running(
    n_bins: int, bin_size: float, growth: float, rng: np.random.Generator
) -> np.ndarray:
    """Return running speed in cm/s, (time,): bouts of some seconds with rest between them.

    At the end bouts are `growth` times as fast as at the start.
    """
    stay = np.exp(-bin_size / 15.0)
    toggles = rng.random(n_bins) > stay
    running = (np.cumsum(toggles) % 2).astype(float)
    vigour = 10.0 + 4.0 * draw_ornstein_uhlenbeck(1, n_bins, 20.0 / bin_size, rng)[0]
    vigour *= np.linspace(1.0, growth, n_bins)
    return np.maximum(gaussian_filter1d(running, 1.0) * vigour + rng.normal(0, 0.3, n_bins), 0.0)


def _draw_face(latents: np.ndarray, n_face: int, rng: np.random.Generator) -> np.ndarray:
    """Return components of the face, (time, component): running, arousal, and noise."""
    face = rng.normal(size=(len(latents), n_face))
    face[:, :2] += 2.0 * latents[:, : min(n_face, 2)]
    return (face / np.sqrt(1 + np.arange(n_face))).astype(np.float32)
