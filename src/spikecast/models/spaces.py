"""Which settings of a model are worth searching, and where: typed ranges and lists, by name.

``SPACES`` is a plain dict, model name -> {setting: :class:`Between` or :class:`OneOf`}. Every
space holds the model's own settings, so that a search can start at them. What changes the question
(``causal``), the machine (``device``) or the draw (``seed``) is in none, and neither is what a
model chooses by itself inside ``fit``: penalties and ranks of the linear models.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from spikecast.core.checks import check_one_of, suggest_name
from spikecast.core.errors import InputError, UnknownNameError
from spikecast.models.catalog import MODELS


class Between(NamedTuple):
    """A setting from a range; whole numbers where both ends are."""

    low: float
    high: float
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are drawn."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def holds(self, value: Any) -> bool:
        """Whether a value lies in the range."""
        number = isinstance(value, int if self.whole else int | float)
        return number and self.low <= value <= self.high


class OneOf(NamedTuple):
    """A setting from a list."""

    values: Sequence[Any]

    def holds(self, value: Any) -> bool:
        """Whether a value is in the list; a list and a tuple of the same are the same."""
        return _listed(value) in map(_listed, self.values)


Space = Mapping[str, Between | OneOf]


def written(value: Any) -> Any:
    """A value as a table and a journal hold it: lists as text, numbers and names as they are.

    Examples
    --------
    >>> written((1.0, 3.0)), written(8)
    ('[1.0, 3.0]', 8)
    """
    return json.dumps(value) if isinstance(value, list | tuple) else value


def _listed(value: Any) -> Any:
    return [_listed(part) for part in value] if isinstance(value, list | tuple) else value


# how wide the activity is smoothed decides what time scale a model can see: the strongest setting
# of all models here. One width for those that use one, several side by side for the others.
WIDTHS = OneOf(((1.0,), (2.0,), (3.0,), (5.0,), (8.0,), (1.0, 3.0), (1.0, 3.0, 8.0)))
SEVERAL_WIDTHS = OneOf(((1.0,), (3.0,), (1.0, 3.0), (2.0, 6.0), (1.0, 3.0, 8.0), (1.0, 4.0, 16.0)))

NETWORK: dict[str, Between | OneOf] = {
    "widths": SEVERAL_WIDTHS,
    # directions of the source that the network sees: few leave out, many overfit short recordings
    "n_components": Between(10, 120, log=True),
    # the two that hold a network back from learning the training trials by heart
    "dropout": Between(0.0, 0.7),
    "weight_decay": Between(0.01, 2.0, log=True),
    # too large diverges, too small is stopped before it has learnt
    "learning_rate": Between(1e-3, 3e-2, log=True),
}
LATENT: dict[str, Between | OneOf] = NETWORK | {
    # what the network can keep in mind
    "n_latents": Between(8, 96, log=True),
    # time scales built on time scales; more rarely pay on some hundred trials
    "n_layers": Between(1, 2),
}
# stopped by its validation trials or not: epochs bound how far a network that is not gets
EPOCHS = Between(6, 40, log=True)

SPACES: dict[str, Space] = {
    "pca_ridge": {"widths": WIDTHS, "n_components": Between(5, 160, log=True)},
    "reduced_rank": {"widths": WIDTHS, "n_components": Between(5, 160, log=True)},
    "pls": {"widths": WIDTHS, "n_components": Between(10, 200, log=True)},
    "factor_analysis": {"width": Between(0.5, 12.0, log=True)},
    # it chooses widths, components and penalty itself, by one validation part of five: searched is
    # what it chooses from, and on how many parts it looks (more is steadier, and slower)
    "poisson_glm": {
        "widths": OneOf(
            (
                ((1.0, 3.0, 8.0), (2.0, 6.0)),
                ((1.0, 3.0, 8.0),),
                ((2.0, 6.0),),
                ((3.0,),),
                ((1.0, 4.0, 16.0),),
                ((0.5, 1.0, 2.0, 4.0, 8.0, 16.0),),
            )
        ),
        "n_components": OneOf(((30, 60, 120), (15,), (30,), (60,), (120,), (200,))),
        "penalties": OneOf(
            ((1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2), (2.5e-4, 5e-4, 1e-3), (1.6e-2, 3.2e-2, 6.4e-2))
        ),
        "n_inner": OneOf((1, 3)),
    },
    "timescales": LATENT
    | {
        "epochs": EPOCHS,
        # where the time constants start (bins); they move little in a short training
        "time_constants": OneOf(((0.2, 10.0), (0.2, 3.0), (0.5, 30.0), (2.0, 50.0))),
    },
    "rnn": LATENT,
    "gru": LATENT,
    "lstm": LATENT,
    "lfads": {
        "width": Between(1.0, 5.0, log=True),
        "n_components": Between(10, 120, log=True),
        "n_factors": Between(5, 80, log=True),
        "n_generator": Between(32, 128, log=True),
        # what the controller may tell the generator while a trial runs
        "n_inputs": Between(1, 16),
        # the prior that its posteriors are held to: too strong and no input is ever used
        "kl_weight": Between(0.01, 1.0, log=True),
        "dropout": Between(0.0, 0.6),
        "coordinated_dropout": Between(0.1, 0.6),
        "learning_rate": Between(2e-3, 3e-2, log=True),
    },
    "mlp": NETWORK
    | {
        "n_hidden": OneOf(((32,), (64,), (128,), (64, 64))),
        # the window (bins); after is not used where causal
        "before": Between(0, 20),
        "after": Between(0, 20),
        "thinning": Between(0.0, 0.3),
        "epochs": EPOCHS,
    },
    "transformer": NETWORK
    | {
        "n_latents": OneOf((32, 64, 96)),  # a multiple of twice its four heads
        "n_layers": Between(1, 2),
        "epochs": EPOCHS,
    },
    "rnn_autoencoder": LATENT,
    "gru_autoencoder": LATENT,
    "lstm_autoencoder": LATENT,
    "timescales_autoencoder": LATENT | {"epochs": EPOCHS},
    # the decks' recipe has no validation part: how long it trains is how much it overfits
    "recipe": {
        "n_latents": Between(2, 40, log=True),
        "learning_rate": Between(1e-3, 2e-2, log=True),
        "n_iterations": Between(20, 1000, log=True),
    },
}

UNTUNED = {
    "mean_rate": "a null has nothing to tune",
    "psth": "a null has nothing to tune",
    "ensemble": "tune its base by itself",
    "stack": "tune its models by themselves",
    "auto": "it chooses between models itself",
}
"""Models without a space, and why."""


def space_of(name: str, changes: Mapping[str, Between | OneOf | None] | None = None) -> Space:
    """Return a model's search space, with changes.

    Parameters
    ----------
    name : str
        Of the catalogue.
    changes : mapping of setting -> Between, OneOf or None, optional
        What is searched instead or as well; None leaves the setting at the model's own value.

    Returns
    -------
    dict

    Raises
    ------
    UnknownNameError
        For a setting that the model does not have.
    InputError
        When the model has no space and none is given, for ends in the wrong order, an empty list,
        or when nothing is left to search.

    Examples
    --------
    >>> space_of("factor_analysis", {"width": Between(1, 4), "causal": OneOf((True, False))})
    {'width': Between(low=1.0, high=4.0, log=False), 'causal': OneOf(values=(True, False))}
    """
    check_one_of("model", name, list(MODELS))
    own = MODELS[name]().get_params()
    space = dict(SPACES.get(name, {}))
    for setting, values in (changes or {}).items():
        if setting not in own:
            near = suggest_name(setting, own)
            raise UnknownNameError(f"model '{name}' has no setting '{setting}'.{near}")
        if values is None:
            space.pop(setting, None)
        else:
            space[setting] = _checked(setting, values, own[setting])
    if not space:
        why = f" ({UNTUNED[name]})" if name in UNTUNED else ""
        raise InputError(
            f"model '{name}' has no search space{why}; give it one: search.space: "
            f"{{setting: {{low: ..., high: ...}}}}, or name one of {', '.join(SPACES)}"
        )
    return space


def _checked(setting: str, values: Between | OneOf, own: Any) -> Between | OneOf:
    if isinstance(values, OneOf):
        if not values.values:
            raise InputError(f"the list of values of '{setting}' is empty")
        return values
    low, high, log = values
    if not low < high:
        raise InputError(f"'{setting}' runs from {low:g} to {high:g}; low must be below high")
    if log and low <= 0:
        raise InputError(f"'{setting}' starts at {low:g}; a logarithmic range must start above 0")
    # 'dropout from 0 to 1' means all between, though both ends are written as whole numbers
    return Between(float(low), float(high), log) if isinstance(own, float) else values
