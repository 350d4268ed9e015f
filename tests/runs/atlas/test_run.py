"""An atlas from settings to tables: planted coupling, none, kills, failures, a cluster."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spikecast.core.errors import (
    DamagedFileError,
    InputError,
    NotEnoughDataError,
    RunError,
    UnknownNameError,
)
from spikecast.core.jsonl_store import JsonlStore
from spikecast.data.recording import Recording
from spikecast.models.preprocess import smooth
from spikecast.runs.atlas.plan import make_sources, name_data, plan_sessions
from spikecast.runs.atlas.run import run_atlas
from spikecast.runs.atlas.settings import AtlasSettings

pytestmark = pytest.mark.usefixtures("one_width", "quick_pages")

SIZES = {"VISp": 14, "MOs": 12, "CA1": 12, "MD": 4}
GAIN = {"VISp": 1.0, "MOs": 1.0, "CA1": 0.0, "MD": 0.0}


def session(seed: int, gain: dict[str, float] = GAIN, n_trials: int = 120) -> Recording:
    """VISp and MOs see one state; CA1 sees nothing; MD is too small."""
    rng = np.random.default_rng(seed)
    state = 2 * smooth(rng.normal(size=(n_trials, 30, 1)), 2.0)
    area = [name for name, size in SIZES.items() for _ in range(size)]
    loads = np.array([gain[name] for name in area])
    counts = rng.poisson(0.3 * np.exp(state * loads)).astype(np.uint8)
    time = (np.arange(30) + 0.5) * 0.02
    return Recording.from_arrays(counts, time, area, session=f"mouse {seed}")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("sessions")
    for seed in range(3):
        session(seed).save(folder / f"{seed}.nc")
    return [str(folder / f"{seed}.nc") for seed in range(3)]


@pytest.fixture(scope="module")
def done(files, tmp_path_factory):
    return run_atlas(AtlasSettings(data=files), tmp_path_factory.mktemp("atlas") / "run", workers=1)


def cells(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "cells.csv").set_index(["session", "source", "target"])


def test_what_is_coupled_is_found_and_nothing_else(done):
    found = cells(done.folder)
    assert found.loc[("mouse 0", "VISp", "MOs"), "passes"]
    assert found.loc[("mouse 0", "MOs", "VISp"), "value"] > 0.1
    assert found.loc[("mouse 0", "VISp", "VISp"), "passes"]
    silent = found[[not {"VISp", "MOs"} >= {s, t} for _, s, t in found.index]]
    assert not silent["passes"].any()
    assert silent["value"].abs().max() < 0.05
    assert not any("MD" in (source, target) for _, source, target in found.index)
    pooled = pd.read_csv(done.folder / "pooled.csv").set_index(["source", "target"])
    assert pooled.loc[("VISp", "MOs"), "n_sessions"] == 3
    assert pooled.loc[("VISp", "MOs"), "low"] > 0
    assert pooled.loc[("VISp", "CA1"), "low"] < 0 < pooled.loc[("VISp", "CA1"), "high"]


def test_parquet_holds_the_same_table(done):
    pytest.importorskip("pyarrow", reason="Parquet needs the extra 'parquet'")
    table = pd.read_parquet(done.folder / "scores.parquet")
    again = pd.read_csv(done.folder / "scores.csv", dtype={"fold": str, "error": object})
    again["error"] = again["error"].fillna("").astype(str)  # no error is an empty cell in a CSV
    pd.testing.assert_frame_equal(table, again, check_dtype=False)


@pytest.mark.slow
def test_noise_is_rarely_taken_for_prediction(tmp_path):
    """Over 60 sessions of pure noise a cell is claimed in about 5 % of sessions at most."""
    nothing = dict.fromkeys(SIZES, 0.0)
    names = []
    for seed in range(60):
        session(1000 + seed, nothing).save(tmp_path / f"{seed}.nc")
        names.append(str(tmp_path / f"{seed}.nc"))
    found = cells(run_atlas(AtlasSettings(data=names), tmp_path / "run").folder)
    claimed = found.groupby("session")["passes"].any()
    assert claimed.mean() <= 0.1
    pooled = pd.read_csv(tmp_path / "run" / "pooled.csv")
    assert (pooled["low"] < 0.002).all()


def test_matched_draws_take_equal_numbers_and_average(files, tmp_path):
    settings = AtlasSettings(data=files[:1], matched=5, repeats=3, targets=["MOs"])
    folder = run_atlas(settings, tmp_path / "run").folder
    table = pd.read_csv(folder / "scores.csv")
    assert set(table["n_source"]) == {5} == set(table["n_target"])
    assert set(table["target"]) == {"MOs"}
    found = cells(folder).loc[("mouse 0", "VISp", "MOs")]
    draws = table.query("source == 'VISp' and fold == 'all' and null == 'source_free'")["value"]
    assert len(set(draws)) == 3
    assert found["value"] == pytest.approx(draws.mean())
    assert found["draws"] == 3
    assert found["low"] < draws.min() < draws.max() < found["high"]


def test_the_halves_of_an_area_share_no_neuron(files):
    (plan,) = plan_sessions(AtlasSettings(data=files[:1]), make_sources(name_data(files[:1])))
    pair = plan.pairs[0]["VISp > VISp"]
    assert pair.source.size == pair.target.size == 7
    assert not set(pair.source) & set(pair.target)


def test_neurons_recorded_twice_are_left_out_of_the_source_of_each_other(tmp_path):
    recording = session(0)
    activity = recording.activity.copy()
    activity[:, :, 15] = activity[:, :, 27]  # MOs and CA1
    copied = Recording.from_arrays(activity, recording.time, recording.area, session="copied")
    sources = make_sources(name_data([copied]))
    (plan,) = plan_sessions(AtlasSettings(data=[*sources]), sources)
    assert plan.coincident == [(15, 27)]
    pairs = plan.pairs[0]
    assert 15 not in pairs["MOs > CA1"].source
    assert 27 not in pairs["CA1 > MOs"].source
    assert 15 in pairs["MOs > VISp"].source
    assert 15 in pairs["VISp > MOs"].target
    (plan,) = plan_sessions(AtlasSettings(data=[*sources], drop_coincident=False), sources)
    assert 15 in plan.pairs[0]["MOs > CA1"].source
    assert plan.coincident == []


def test_the_rest_predicts(files, tmp_path):
    settings = AtlasSettings(data=files[:1], sources="rest", models=["ridge", "poisson_glm"])
    found = cells(run_atlas(settings, tmp_path / "run").folder)
    assert set(found["n_source"].loc["mouse 0", "rest", "MOs"]) == {26}
    assert found.loc[("mouse 0", "rest", "MOs"), "passes"].all()
    assert not found.loc[("mouse 0", "rest", "CA1"), "passes"].any()


def test_a_job_that_fails_says_why_and_the_others_go_on(files, tmp_path, monkeypatch):
    from spikecast.models.linear import PCARidge

    fit = PCARidge._fit

    def unlucky(self, x, y):
        if x.shape[2] == 14:
            raise MemoryError("no room")
        fit(self, x, y)

    monkeypatch.setattr(PCARidge, "_fit", unlucky)
    settings = AtlasSettings(data=files[:1], models=["ridge", "pca_ridge"], within=False)
    out = tmp_path / "run"
    done = run_atlas(settings, out, workers=1)
    assert set(done.failed) == {
        f"pca_ridge | mouse 0 | draw 0 | VISp > {t}" for t in ("MOs", "CA1")
    }
    found = pd.read_csv(out / "cells.csv").query("model == 'pca_ridge'")
    found = found.set_index(["source", "target"])
    assert found.loc[("VISp", "MOs"), "error"] == "MemoryError: no room"
    assert np.isnan(found.loc[("VISp", "MOs"), "value"])
    assert found.loc[("MOs", "VISp"), "passes"]
    monkeypatch.setattr(PCARidge, "_fit", fit)
    assert not run_atlas(settings, out, resume=True, workers=1).failed
    assert pd.read_csv(out / "cells.csv")["error"].isna().all()


def test_a_full_disk_loses_no_cell_that_was_recorded(files, tmp_path, monkeypatch):
    append, out = JsonlStore.append, tmp_path / "run"

    def full(self, key, record):
        if "mouse 1" in key:
            raise OSError(28, "No space left on device")
        append(self, key, record)

    monkeypatch.setattr(JsonlStore, "append", full)
    done = run_atlas(AtlasSettings(data=files), out, workers=1)
    assert list(done.unrecorded) == ["ridge | mouse 1 | draw 0"]
    assert set(pd.read_csv(out / "cells.csv")["session"]) == {"mouse 0", "mouse 2"}
    assert json.loads((out / "manifest.json").read_text())["finished"] is None
    monkeypatch.setattr(JsonlStore, "append", append)
    assert not run_atlas(AtlasSettings(data=files), out, resume=True, workers=1).unrecorded


def test_a_disk_that_is_full_from_the_start_ends_in_a_line(files, tmp_path, monkeypatch):
    def full(self, key, record):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(JsonlStore, "append", full)
    with pytest.raises(RunError, match=r"no job .* could be recorded.*No space left"):
        run_atlas(AtlasSettings(data=files[:1]), tmp_path / "run", workers=1)


def test_workers_change_no_number(files, done, tmp_path):
    other = run_atlas(AtlasSettings(data=files), tmp_path / "run", workers=2)
    for name in ("scores.csv", "cells.csv", "pooled.csv"):
        assert (other.folder / name).read_bytes() == (done.folder / name).read_bytes()
    assert not (other.folder / ".shared").exists()


def test_it_goes_on_where_the_data_are_called_by_another_path(files, tmp_path, monkeypatch):
    def stop(what: str, finished: int, total: int) -> None:
        if finished == 1:
            raise KeyboardInterrupt

    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run_atlas(AtlasSettings(data=files), out, workers=1, progress=stop)
    (out / ".shared" / "spikecast-killed").mkdir(parents=True)  # what kill -9 leaves
    monkeypatch.chdir(Path(files[0]).parent)
    done = run_atlas(
        AtlasSettings(data=[Path(file).name for file in files]), out, resume=True, workers=2
    )
    assert "resumed" in (out / "log.txt").read_text()
    assert not done.failed
    assert not (out / ".shared").exists()


KILLED = """
import os, random, signal, sys, time
from spikecast.runs.atlas.run import run_atlas
from spikecast.runs.atlas.settings import AtlasSettings

out, n_kills, *files = sys.argv[1:]
settings = AtlasSettings(data=files, matched=5, repeats=4)
rng = random.Random(1)
begun = time.time()
run_atlas(settings, out + "-whole", workers=1)
lasts = time.time() - begun
for _ in range(int(n_kills)):
    child = os.fork()
    if not child:
        # killed before anything was written, there is nothing to resume
        run_atlas(settings, out, resume=os.path.exists(out + "/manifest.json"), workers=1)
        os._exit(0)
    time.sleep(rng.uniform(0, lasts))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
run_atlas(settings, out, resume=os.path.exists(out + "/manifest.json"), workers=1)
"""


@pytest.mark.parametrize("n_kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_any_time_it_ends_with_the_same_table(files, tmp_path, n_kills):
    out = tmp_path / "run"
    subprocess.run(
        [sys.executable, "-c", KILLED, str(out), str(n_kills), *files], check=True, timeout=300
    )
    for name in ("scores.csv", "cells.csv", "pooled.csv"):
        assert (out / name).read_bytes() == (tmp_path / "run-whole" / name).read_bytes()
    log = (out / "log.txt").read_text()
    assert "resumed" in log
    # a job that was recorded is not done again
    names = [json.loads(line)[0] for line in (out / "jobs.jsonl").read_text().splitlines()]
    assert len(names) == len(set(names)) == 12


def test_the_journal_of_another_atlas_is_refused(files, done, tmp_path):
    settings = AtlasSettings(data=files[:1], seed=1)
    out = run_atlas(settings, tmp_path / "run", workers=1).folder
    (out / "jobs.jsonl").write_bytes((done.folder / "jobs.jsonl").read_bytes())
    with pytest.raises(RunError, match=r"of other data or settings than this atlas has.*Remove"):
        run_atlas(settings, out, resume=True, workers=1)


def _forget_jobs(lines):
    """Make records as they were before they named their job."""
    return [[key, {name: one for name, one in record.items() if name != "job"}]
            for key, record in lines]  # fmt: skip


def test_records_that_changed_places_are_a_line(files, done, tmp_path):
    out = shutil.copytree(done.folder, tmp_path / "run")
    path = out / "jobs.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(line) + "\n" for line in _forget_jobs(lines)))
    run_atlas(AtlasSettings(data=files), out, resume=True, workers=1)
    assert (out / "cells.csv").read_bytes() == (done.folder / "cells.csv").read_bytes()
    (one, first), (other, second) = lines[:2]
    lines[:2] = [[one, second], [other, first]]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(DamagedFileError, match=r"has the record of .* lines of both"):
        run_atlas(AtlasSettings(data=files), out, resume=True, workers=1)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines[2:]))  # as it says
    run_atlas(AtlasSettings(data=files), out, resume=True, workers=1)
    assert (out / "cells.csv").read_bytes() == (done.folder / "cells.csv").read_bytes()


def _lose_a_null(pair):
    del pair["scores"]["trial_shuffle"]


def _lose_a_trial(pair):
    for sums in pair["trials"]:
        del sums[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (None, "the pair .* is not in it"),
        (_lose_a_null, "above .*train_mean; above .*trial_shuffle are needed"),
        (_lose_a_trial, "trials, and .* are needed"),
        (lambda pair: pair["folds"].pop(), "folds, and 5 are needed"),
        (lambda pair: pair["chosen"].append(1.0), "6 penalties, and 5 are needed"),
        (lambda pair: pair["neurons"].pop(), "target neurons, and .* are needed"),
        (lambda pair: pair.update(n_source=99), "99 source neurons, and .* are needed"),
        (lambda pair: pair["scores"].update(train_mean=[0, 9, -9]), "goes from 9 to -9"),
        (lambda pair: pair.update(untested="rain"), "for 'rain', which is no reason"),
        (lambda pair: pair["shifts"].pop(), "shifts, the first pair of its session"),
        (lambda pair: pair.pop("shifts"), "no shift test, and no reason"),
    ],
)
def test_a_record_that_does_not_hold_what_its_job_gives_is_a_line(
    files, done, tmp_path, change, message
):
    out = shutil.copytree(done.folder, tmp_path / "run")
    lines = [json.loads(line) for line in (out / "jobs.jsonl").read_text().splitlines()]
    key, record = next(line for line in lines if line[0].startswith("ridge"))
    name = list(record["pairs"])[-1]
    if change is None:
        del record["pairs"][name]
    else:
        change(record["pairs"][name])
    (out / "jobs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(DamagedFileError, match=rf"{message}.*Remove the line"):
        run_atlas(AtlasSettings(data=files), out, resume=True, workers=1)
    # as the message says
    kept = [line for line in lines if line[0] != key]
    (out / "jobs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in kept))
    run_atlas(AtlasSettings(data=files), out, resume=True, workers=1)
    assert (out / "cells.csv").read_bytes() == (done.folder / "cells.csv").read_bytes()


def test_a_cluster_that_loses_a_worker_gives_the_same_table(files, done, cluster, tmp_path):
    def kill(what: str, finished: int, total: int) -> None:
        if finished == 1 and cluster.workers[0].poll() is None:
            cluster.workers[0].send_signal(signal.SIGKILL)

    out = tmp_path / "run"
    run_atlas(AtlasSettings(data=files), out, engine=f"dask://{cluster.address}", progress=kill)
    cluster.workers[0].wait(timeout=30)
    for name in ("scores.csv", "cells.csv", "pooled.csv"):
        assert (out / name).read_bytes() == (done.folder / name).read_bytes()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"targets": ["VSIp"]}, UnknownNameError, "Did you mean 'VISp'"),
        ({"sessions": [3]}, InputError, "holds 0 to 0"),
        ({"min_neurons": 13, "within": False}, NotEnoughDataError, "no session has two areas"),
        ({"by": "region"}, UnknownNameError, "unknown neuron column 'region'"),
        ({"data": ["nowhere.nc"]}, InputError, "there is no file"),
    ],
)
def test_what_cannot_be_done_is_refused_and_leaves_nothing(files, tmp_path, change, error, message):
    with pytest.raises(error, match=message):
        run_atlas(AtlasSettings(**{"data": files[:1]} | change), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_is_not_overwritten_by_accident(files, done, tmp_path):
    with pytest.raises(RunError, match="holds a finished run"):
        run_atlas(AtlasSettings(data=files), done.folder)
    with pytest.raises(RunError, match="another config"):
        run_atlas(AtlasSettings(data=files, seed=1), done.folder, resume=True)
    with pytest.raises(RunError, match="no run in"):
        run_atlas(AtlasSettings(data=files), tmp_path / "none", resume=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(RunError, match="not a run directory"):
        run_atlas(AtlasSettings(data=files), tmp_path / "mine", overwrite=True)
