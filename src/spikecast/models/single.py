"""Models that stand alone, by name; :mod:`spikecast.models.ensemble` combines them."""

from spikecast.models.autoencoder import (
    GRUAutoencoder,
    LSTMAutoencoder,
    RNNAutoencoder,
    TimescalesAutoencoder,
)
from spikecast.models.base import Model
from spikecast.models.behavior_null import BehaviorNull
from spikecast.models.drift import Drift
from spikecast.models.factor_analysis import FactorAnalysis
from spikecast.models.glm import PoissonGLM
from spikecast.models.kalman import Kalman
from spikecast.models.lagged_ridge import LaggedRidge
from spikecast.models.lfads import LFADS
from spikecast.models.linear import PLS, PCARidge, ReducedRank
from spikecast.models.mean_rate import MeanRate
from spikecast.models.mlp import MLP
from spikecast.models.psth import PSTH
from spikecast.models.recurrent import GRU, LSTM, RNN, Recipe
from spikecast.models.source_free import SourceFree
from spikecast.models.timescales import Timescales
from spikecast.models.transformer import Transformer

SINGLE: dict[str, type[Model]] = {
    "mean_rate": MeanRate,
    "psth": PSTH,
    "drift": Drift,
    "source_free": SourceFree,
    "behavior": BehaviorNull,
    # simple baselines, strongest first: the first of them that was fitted is compared with
    "poisson_glm": PoissonGLM,
    "lagged_ridge": LaggedRidge,
    "pls": PLS,
    "reduced_rank": ReducedRank,
    "pca_ridge": PCARidge,
    "factor_analysis": FactorAnalysis,
    "kalman": Kalman,
    "timescales": Timescales,
    "rnn": RNN,
    "gru": GRU,
    "lstm": LSTM,
    "lfads": LFADS,
    "mlp": MLP,
    "transformer": Transformer,
    "rnn_autoencoder": RNNAutoencoder,
    "gru_autoencoder": GRUAutoencoder,
    "lstm_autoencoder": LSTMAutoencoder,
    "timescales_autoencoder": TimescalesAutoencoder,
    "recipe": Recipe,
}
