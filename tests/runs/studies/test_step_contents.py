"""The file of a step is what its schema says, or a line that says how to go on."""

from importlib import import_module

import numpy as np
import pytest

from spikecast.core.checksums import write_checksum
from spikecast.core.errors import DamagedFileError, NotEnoughDataError
from spikecast.runs.studies import kept_latents, livewired_network, ninja_network
from spikecast.runs.studies.step_cache import StepCache
from spikecast.runs.studies.step_contents import CONTENTS, find_schema

PLACE = "spikecast.runs.studies"
HALF = {
    "cost": np.array([2.0, 1.0]), "latents": np.zeros((5, 4, 3)), "loss": np.array(0.5),
    "own": np.array([0.1, 0.0, 0.2]), "right_inputs": np.array([0.1, 0.0, 0.2]),
}  # fmt: skip
FOLD = {
    "latents": np.zeros((5, 4, 3)), "train": np.arange(4), "test": np.array([4]),
    "predicted": np.zeros((1, 4, 2)),
}  # fmt: skip


def write(folder, arrays):
    path = folder / "halves.npz"
    np.savez(path, **arrays)
    write_checksum(path)
    return StepCache(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cost": None}, "the array 'cost' is missing"),
        ({"cost": np.array(1.0)}, r"'cost' has the shape \(\); it must be ends"),
        ({"cost": np.ones(3)}, "'cost' has 3 along ends; 2 are expected"),
        ({"loss": np.array("low")}, "'loss' must hold numbers, not <U3"),
        ({"loss": np.array(np.nan)}, "'loss' holds NaN or infinity"),
        ({"own": np.array([0.1, np.inf, 0.2])}, "'own' holds NaN or infinity"),
    ],
)
def test_a_file_of_something_else_is_refused_by_its_place(tmp_path, change, said):
    step = ninja_network._fit_half
    found = write(tmp_path, HALF).compute("halves", step)
    assert set(found) == set(HALF)
    kept = {name: array for name, array in (HALF | change).items() if array is not None}
    with pytest.raises(
        DamagedFileError, match=rf"halves\.npz' is damaged: {said}\. Remove it, and"
    ):
        write(tmp_path, kept).compute("halves", step)


def test_what_a_step_could_not_compute_is_no_damaged_file(tmp_path, monkeypatch):
    monkeypatch.setattr(
        f"{PLACE}.step_cache.find_schema", lambda *step: CONTENTS["ninja_network._fit_half"]
    )
    with pytest.raises(NotEnoughDataError, match="'halves' of this study finds NaN or infinity as"):
        StepCache(tmp_path).compute("halves", lambda: HALF | {"loss": np.nan})
    assert not list(tmp_path.glob("*.npz"))  # so that nothing damaged is found the next time


def take(number):
    return {"number": np.array([1, 2])[number]}


def test_a_step_that_does_not_fit_others_is_named_where_it_was_kept(tmp_path):
    steps = StepCache(tmp_path)
    with pytest.raises(IndexError), steps.explain_misfits():  # nothing was kept: a mistake of ours
        steps.compute("one", take, 5)
    for _ in range(2):
        assert steps.compute("one", take, 1)["number"] == 2
    with pytest.raises(IndexError), steps.explain_misfits():
        take(5)
    again = StepCache(tmp_path)
    again.compute("one", take, 1)
    for passed in (OSError("no room"), MemoryError(), NotEnoughDataError("too few")):
        with pytest.raises(type(passed)), again.explain_misfits():
            raise passed
    with (
        pytest.raises(DamagedFileError, match=r"not go with the data .*Remove it, and resume"),
        again.explain_misfits(),
    ):
        take(5 * int(again.compute("one", take, 1)["number"]))


def test_what_a_fit_keeps_beside_its_latents_is_asked_for_too(tmp_path):
    fit = kept_latents._fit_in_fold, "model", "problem", "fold"
    assert set(write(tmp_path, FOLD).compute("halves", *fit, kept_latents.keep_rates)) == set(FOLD)
    with pytest.raises(DamagedFileError, match="the array 'forward' is missing"):
        write(tmp_path, FOLD).compute("halves", *fit, livewired_network.keep_weights)
    with pytest.raises(DamagedFileError, match="'test' goes from 5 to 5; there are 5"):
        write(tmp_path, FOLD | {"test": np.array([5])}).compute(
            "halves", *fit, kept_latents.keep_rates
        )


def test_every_entry_is_that_of_a_function():
    for name in CONTENTS:
        module, function, *inside = name.split(".")
        assert hasattr(import_module(f"{PLACE}.{module}"), function), name
        assert not inside or inside[0] == "<locals>"
    with pytest.raises(KeyError):
        find_schema(kept_latents.pool_rates, ())  # is no step
