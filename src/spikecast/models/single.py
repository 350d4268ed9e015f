"""Models that stand alone, by name; :mod:`spikecast.models.ensemble` combines them."""

from spikecast.models.base import Model
from spikecast.models.baselines import PSTH, MeanRate
from spikecast.models.glm import PoissonGLM
from spikecast.models.linear import PLS, PCARidge, ReducedRank
from spikecast.models.neural import GRU, LSTM, RNN, Recipe, Timescales

SINGLE: dict[str, type[Model]] = {
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
    "recipe": Recipe,
}
