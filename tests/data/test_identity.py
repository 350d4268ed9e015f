import numpy as np
import pytest
import xarray as xr
from packagings import write_steinmetz

from spikecast.data import load
from spikecast.data.identity import changed_parts, identify
from spikecast.data.recording import Recording


def make(trials=None, **change):
    rng = np.random.default_rng(0)
    content = {
        "activity": rng.poisson(1.0, (6, 4, 3)),
        "time": np.arange(4) / 10,
        "area": ["VISp", "VISp", "MOs"],
        "trials": {"side": ["left", None] * 3, "delay": [0.5, np.nan, 0.25, 0.0, 1.0, 2.0]}
        | (trials or {}),
        "behavior": {"wheel": rng.normal(size=(6, 4)), "pupil": rng.normal(size=(6, 4, 2))},
    }
    return Recording.from_arrays(**content | change)


def test_every_part_has_a_hash_of_its_own():
    assert list(identify(make())) == [
        "activity", "time axis", "attribute 'kind'", "attribute 'bin_size'",
        "attribute 'align_to'", "neuron column 'area'", "trial column 'side'",
        "trial column 'delay'", "behaviour 'wheel'", "behaviour 'pupil'",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("activity", "activity"),
        ("area", "neuron column 'area'"),
        ("side", "trial column 'side'"),
        ("delay", "trial column 'delay'"),
        ("wheel", "behaviour 'wheel'"),
        ("pupil", "behaviour 'pupil'"),
    ],
)
def test_one_changed_value_changes_its_part_alone(name, part):
    recording = make()
    dataset = recording.dataset.copy(deep=True)
    values = dataset[name].values
    last = tuple(size - 1 for size in values.shape)
    values[last] = "CA1" if values.dtype.kind == "U" else values[last] + 1
    assert changed_parts(identify(recording), identify(Recording(dataset))) == [part]


def test_a_column_that_is_new_or_gone_is_a_change():
    more = identify(make(trials={"block": np.arange(6)}))
    assert changed_parts(identify(make()), more) == ["trial column 'block'"]
    assert changed_parts(more, identify(make())) == ["trial column 'block'"]


def test_names_of_session_and_subject_do_not_matter():
    assert identify(make()) == identify(make(session="another", subject="one"))


def test_the_order_of_columns_and_the_width_of_numbers_do_not_matter():
    recording = make()
    wide = recording.dataset.assign(activity=recording.dataset["activity"].astype(np.int64))
    names = list(wide.variables)
    turned = xr.Dataset(
        {n: wide[n] for n in reversed(names) if n in wide.data_vars},
        {n: wide[n] for n in reversed(names) if n in wide.coords},
        wide.attrs,
    )
    assert identify(Recording(turned)) == identify(recording)
    half = {"wheel": np.full((6, 4), 0.5)}
    narrow = {"wheel": np.full((6, 4), 0.5, dtype=np.float32)}
    assert identify(make(behavior=half)) == identify(make(behavior=narrow))


def test_nan_is_nan_and_zero_is_zero():
    delays = np.array([0.0, np.nan, 1.0, 1.0, 1.0, 1.0])
    other = np.copysign(delays, [-1, -1, 1, 1, 1, 1])
    assert identify(make(trials={"delay": delays})) == identify(make(trials={"delay": other}))


def test_values_that_move_between_rows_are_a_change():
    swapped = ["None", "left"] * 3
    assert changed_parts(identify(make()), identify(make(trials={"side": swapped})))


def test_the_format_of_the_file_does_not_matter(recording, tmp_path):
    recording.save(tmp_path / "one.nc")
    write_steinmetz(tmp_path / "one.npz", recording)
    own = identify(recording)
    assert identify(load(tmp_path / "one.nc")) == own
    assert identify(load(tmp_path / "one.npz")) == own


def test_dates_are_the_same_in_any_unit(tmp_path):
    dates = np.array(["2026-01-01", "2026-01-02", "NaT"] * 2, dtype="datetime64[D]")
    recording = make(trials={"date": dates.astype("datetime64[s]")})
    recording.save(tmp_path / "one.nc")
    assert identify(load(tmp_path / "one.nc")) == identify(recording)


def test_no_large_copy_is_made():
    import tracemalloc

    activity = np.zeros((1, 4000, 4000), dtype=np.float32).transpose(0, 2, 1)
    recording = make(activity=activity, time=np.arange(4000), area="VIS", kind="continuous",
                     trials={"side": [0], "delay": [0]}, behavior={})  # fmt: skip
    tracemalloc.start()
    identify(recording)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < recording.activity.nbytes
