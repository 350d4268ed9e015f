"""The loss of the networks during training."""

import numpy as np
from matplotlib.figure import Figure

from spikecast.models.catalog import name_model
from spikecast.report.run.target_figure import TargetFigure
from spikecast.report.shared.style import GREY, ORANGE, new_figure, report_style
from spikecast.runs.reader import Target

MOST_NETWORKS = 4


@report_style
def draw_training(target: Target) -> Figure:
    """Draw training and validation loss per epoch, a panel per network."""
    networks = list_networks(target)
    figure = new_figure(2.6)
    panels = figure.subplots(1, len(networks), squeeze=False)[0]
    for axes, name in zip(panels, networks, strict=True):
        for fold in range(target.n_folds):
            history = target.read_job(name, fold)["training"]
            epochs = 1 + np.arange(len(history["train_loss"]))
            train, valid = (np.mean(history[f"{part}_loss"], axis=1) for part in ("train", "valid"))
            first = fold == 0
            axes.plot(epochs, train, color=GREY, linewidth=1, label="training" if first else None)
            if np.any(valid):
                label = "validation" if first else None
                axes.plot(epochs, valid, color=ORANGE, linewidth=1, label=label)
        axes.set(title=name_model(name), xlabel="epoch")
        axes.legend(loc="best")
    panels[0].set_ylabel("loss per bin, sum over targets")
    return figure


def list_networks(target: Target) -> list[str]:
    """Return the models of a target that have a training history."""
    return [name for name in target.models if "training" in target.read_job(name, 0)][
        :MOST_NETWORKS
    ]


TRAINING = TargetFigure(
    "Training",
    draw_training,
    lambda target: (
        "Loss per epoch, one line per fold, mean over members. The weights kept are "
        "those of the lowest validation loss."
    ),
    "Training and validation loss per epoch of the networks.",
    lambda target: bool(list_networks(target)),
)
