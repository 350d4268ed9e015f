"""A study of made-up numbers with a figure of every kind: all of a study's files, in no time."""

import shutil

import numpy as np
import pandas as pd

from spikecast.core.notices import NoticeKind
from spikecast.report.study.figure_arrays import FIGURE_ARRAYS
from spikecast.runs.studies import run
from spikecast.runs.studies.preset import Preset, merge, read_preset
from spikecast.runs.studies.study import Column, Measure, Prepared
from spikecast.runs.studies.study_data import StudyData

SAID = NoticeKind("said", "minor", "{n} of {of} units")
LACKED = NoticeKind("lacked", "minor", "there is no label")
ROW = {"reported": [{"text": "93%", "stands": "slide"}], "mechanism": "Trials are remembered."}
STAIRCASE = {
    "key": "way", "row": "test", "title": "The way", "caption": "One thing changes.",
    "steps": [{"key": "own", "kind": "start", "change": "theirs"},
              {"key": "new", "kind": "protocol", "change": "new trials"},
              {"key": "ours", "kind": "model", "change": "ours"}],
}  # fmt: skip


def make_preset() -> Preset:
    """Return a preset that has one of everything."""
    figures = [
        {"name": kind, "draw": kind, "title": kind, "caption": "What it shows.",
         "folder": "described" if number % 2 else "concluded"}
        for number, kind in enumerate(FIGURE_ARRAYS)
    ]  # fmt: skip
    content = read_preset("livewired").model_dump() | {
        "settings": {}, "staircases": [STAIRCASE], "figures": figures, "quick": {},
        "rows": [{"key": key, "quantity": key, **ROW} for key in ("test", "shape", "leader")],
        "tables": {"errors": {"stands": "slide", "also": {"mended": "mended"},
                              "rows": [{"class": "left", "error": 0.1}]}},
        "sound": {"main": {}},
    }  # fmt: skip
    return Preset.model_validate(merge(content, {"data": {"absent": "It is not here."}}))


def make_figure_arrays() -> dict[str, dict[str, np.ndarray]]:
    """Return what each kind of figure draws."""
    rng = np.random.default_rng(0)
    time, label = 0.1 * np.arange(-2, 6), np.array(["l", "r"] * 3)
    names, pairs = np.array(["a", "b", "c"]), rng.random((3, 3))
    places = {axis: rng.random(12) for axis in "xyz"}
    activity = rng.random((6, 8, 4))
    return {
        "averages": {"recorded": rng.poisson(1, activity.shape), "predicted": activity,
                     "label": label, "time": time, "bin_size": np.array(0.1)},
        "latents": {"latents": activity, "label": label, "time": time, "called": np.array("unit")},
        "over_time": {"curve": rng.random(8), "balanced": rng.random(8), "time": time,
                      "majority": np.array(0.5), "n_classes": np.array(2)},
        "confusion": {"classes": names, "train": rng.poisson(5, (3, 3)),
                      "test": rng.poisson(5, (3, 3))},
        "maps": {"place_umap": rng.random((12, 2)), "label_side": np.repeat(["l", "r"], 6),
                 "held_out": np.arange(12) % 2 == 0},
        "reasons": {"ways": names, "n_classes": np.array(2), "n_draws": np.array(39),
                    **{key: rng.random(3) for key in ("score", "low", "high", "p")}},
        "raster": {"area": np.repeat(["A", "B"], 3), "rate": rng.random((6, 9)),
                   "seconds": np.sort(rng.random(20)), "neurons": rng.integers(6, size=20),
                   "trial": np.array(0.3)},
        "losses": {"loss_GRU": rng.random(9), "loss_LSTM": rng.random(5),
                   "step": np.array("epoch")},
        "similarity": {"areas": names, "matrix": pairs},
        "predicted": {key: rng.random(30) for key in ("truth", "predicted", "seconds")},
        "explained": {"share_plane 0": np.linspace(0, 1, 4), "share_plane 1": np.linspace(0, 1, 6)},
        "importance": {"names": names, "importance": rng.random(3),
                       "score": np.array([0.1, np.nan, 0.4])},
        "planes": {"names": names, "r2": np.where(np.eye(3), np.nan, pairs), "shared": pairs > 0.5},
        "space": places,
        "heat": {"heat": rng.normal(size=(5, 8)), "speed": rng.random(8),
                 "seconds": np.arange(8.0), "n_neurons": np.array(50)},
        "networks": {"names": np.array(["one", "two", "linear"]), "sound": rng.random((3, 3)),
                     "described": rng.random(2), "mended": rng.random(2)},
        "positions": places | {"plane": np.repeat(names, 4), "drawn": np.arange(12) % 2 == 0},
        "preprocessing": {"before": rng.random((5, 8)), "after": rng.random((5, 4)),
                          "mean": rng.random(8), "bin_size": np.array(0.1),
                          "plane": np.array("plane 0")},
        "other_planes": {"names": names, "matrix": rng.poisson(5.0, (3, 3)),
                         "strange": np.arange(12) % 3 == 0, "x": places["x"], "y": places["y"],
                         "mean_activity": rng.random(12), "follows_plane": rng.random(12)},
    }  # fmt: skip


def multiply(number):
    return {"number": np.array(2 * number), "words": np.array(["a", "b"])}


class PlantedStudy:
    """Numbers of every unit and form, a step that is kept, a table, a figure of every kind."""

    @staticmethod
    def prepare(recording, settings):
        return Prepared(recording, {}, (SAID(n=1, of=2),))

    @staticmethod
    def describe(inputs):
        column, table = Column(), pd.DataFrame({"class": ["left"], "error": [0.2]})
        number = inputs.steps.compute("a step", multiply, 0.45)["number"]
        column.add("test", Measure("", float(number), "accuracy", n=20))
        column.add("shape", Measure("", None, "picture"), Measure("cells", 0.02, "onset", 0.01))
        column.claim("test", metric="accuracy", target="choice")
        column.tables.update(errors=table, mended=table)
        column.arrays.update(make_figure_arrays())
        column.because["shape"] = [SAID(n=3, of=5)]
        column.steps["way"] = {"own": Measure("", 0.9, "accuracy"),
                               "new": Measure("", 0.6, "accuracy", 0.5, 0.7)}  # fmt: skip
        return column

    @staticmethod
    def conclude(inputs, sound, described):
        forward = {"forward_curve": np.linspace(0, 1, 5), "forward_time": np.arange(5.0)}
        arrays = make_figure_arrays() | {"forward": forward}
        column = Column(arrays=arrays, conclusions=[SAID(n=2, of=3)])
        column.add("test", Measure("", 0.6, "balanced_accuracy", 0.5, 0.7, chance=0.5, p=0.02,
                                   n_permutations=99))  # fmt: skip
        column.add("leader", Measure("A and B", "A", "leader"))
        column.lacks["shape"] = LACKED()
        column.steps["way"] = {"ours": Measure("", 0.65, "accuracy", 0.5, 0.7)}
        return column


def run_planted_study(patch, data, sound_run, out, **arguments):
    """Run the study on a recording's file; its sound run is a copy of a finished one."""

    def copy_run(sound, layout, workers, progress):
        shutil.copytree(sound_run, layout.sound_run("main").folder, dirs_exist_ok=True)

    preset = make_preset()
    patch.setattr(run, "read_preset", lambda name: preset)
    patch.setattr(run, "find_study", lambda name: PlantedStudy)
    patch.setattr(run, "_run_sound", copy_run)
    patch.setattr(run, "_make_sound_configs", lambda *arguments: {"main": None})
    return run.run_study("planted", out, data=StudyData(path=str(data)), workers=1, **arguments)
