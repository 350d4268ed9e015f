"""The catalogue: a plain dict from a model's name to its class."""

from spikecast.models.base import Model
from spikecast.models.baselines import PSTH, MeanRate
from spikecast.models.glm import PoissonGLM
from spikecast.models.lfads import LFADS
from spikecast.models.linear import PLS, PCARidge, ReducedRank
from spikecast.models.neural import GRU, LSTM, RNN, Recipe, Timescales

MODELS: dict[str, type[Model]] = {
    "mean_rate": MeanRate,
    "psth": PSTH,
    "pca_ridge": PCARidge,
    "reduced_rank": ReducedRank,
    "pls": PLS,
    "poisson_glm": PoissonGLM,
    "timescales": Timescales,
    "rnn": RNN,
    "gru": GRU,
    "lstm": LSTM,
    "lfads": LFADS,
    "recipe": Recipe,
}
