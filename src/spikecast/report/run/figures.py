"""The figures of one target, in the order of the page: a file and a line each."""

from spikecast.report.run.averages import AVERAGES
from spikecast.report.run.latents import LATENTS
from spikecast.report.run.neurons import NEURONS
from spikecast.report.run.scores import SCORES
from spikecast.report.run.shift_test import SHIFT_TEST
from spikecast.report.run.single_trials import SINGLE_TRIALS
from spikecast.report.run.target_figure import TargetFigure
from spikecast.report.run.time_constants import TIME_CONSTANTS
from spikecast.report.run.training import TRAINING

TARGET_FIGURES: dict[str, TargetFigure] = {
    "scores": SCORES,
    "shift_test": SHIFT_TEST,
    "neurons": NEURONS,
    "averages": AVERAGES,
    "single_trials": SINGLE_TRIALS,
    "latents": LATENTS,
    "time_constants": TIME_CONSTANTS,
    "training": TRAINING,
}
