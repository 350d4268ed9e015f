"""Study D's wishes: more mice, and more time of the same one."""

from typing import Any

import numpy as np

from spikecast.data.recording import Recording
from spikecast.data.simulate import running_mouse
from spikecast.evaluation.fit import fit_model
from spikecast.evaluation.many_sessions import cross_validate_sessions
from spikecast.models.base import Model
from spikecast.models.sessions import ManySessions
from spikecast.models.timescales import Timescales
from spikecast.scoring import metrics
from spikecast.tasks.splits import Fold
from spikecast.tasks.tasks import Behavior

FEWEST_WINDOWS = 5  # inner folds need as many
SHARES = (0.125, 0.25, 0.5, 1.0)


def learn_from_others(settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return R2 of speed in each of some simulated animals, ``alone`` and with the others' core.

    `settings` are those of the preset's ``animals``: ``n_neurons`` of each, ``n_bins``, ``folds``,
    ``n_train`` windows of its own that an animal is learnt from, and the model's ``model``.
    """
    recordings = [
        running_mouse(
            n_neurons=n_neurons, n_bins=settings["n_bins"], planes=1, keep_rate=False,
            seed=seed + 1 + number,
        ).recording
        for number, n_neurons in enumerate(settings["n_neurons"])
    ]  # fmt: skip
    many = ManySessions("timescales", settings["model"])
    scores = cross_validate_sessions(
        {"alone": Timescales(**settings["model"])},
        {"others": many},
        Behavior("running"),
        recordings,
        settings["folds"],
        ways=["adapted"],
        n_train=settings["n_train"],
        seed=seed,
    )
    found = {
        name: [own.interval(model).value for own in scores]
        for name, model in (("alone", "alone"), ("adapted", "adapted others"))
    }
    gained = [own.interval("adapted others", minus="alone") for own in scores]
    return found | {
        "gained": [one.value for one in gained],
        "low": [one.low for one in gained],
        "high": [one.high for one in gained],
        "minutes": settings["n_train"] * 100 * recordings[0].bin_size / 60,
    }


def learn_from_more_time(recording: Recording, target: str, model: Model) -> dict[str, Any]:
    """Return R2 on the last fifth of the session, learnt from more and more of what is before.

    Always the time next to it, a window of which is left out: what is added lies further away.
    """
    problem = Behavior(target).problem(recording)
    x, y, n_test = problem.x, problem.y, len(problem.y) // 5
    n_most = len(y) - n_test - 1
    truth = y[-n_test:]
    null = np.broadcast_to(y[:n_most].mean(axis=(0, 1)), truth.shape)
    sizes = sorted({max(round(share * n_most), FEWEST_WINDOWS) for share in SHARES})
    r2 = []
    for size in sizes:
        fold = Fold(np.arange(n_most - size, n_most), np.arange(len(y) - n_test, len(y)))
        predicted = fit_model(model, x, y, fold).model.predict(x[fold.test])
        r2.append(float(metrics.score_continuous(truth, predicted, null).r2[0]))
    minutes = np.array(sizes) * y.shape[1] * recording.bin_size / 60
    return {"minutes": minutes, "r2": np.array(r2)}
