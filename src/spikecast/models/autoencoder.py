"""Autoencoders: the sequence models, made to reconstruct the neurons they see."""

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from spikecast.models.neural import EPOCHS, LATENT_SPACE
from spikecast.models.reconstruction import ReconstructionModel
from spikecast.models.recurrent import GRU, LSTM, RNN
from spikecast.models.spaces import Space
from spikecast.models.timescales import Timescales

if TYPE_CHECKING:
    from spikecast.models.networks.autoencoder import CoordinatedDropout


class Autoencoder(ReconstructionModel):
    """Mixed into a network model, makes it reconstruct its source through its latents.

    With the same array as source and target, ``predict`` gives denoised rates. With other targets,
    the latents serve both, and ``predict`` gives the rates of those targets.

    Attributes
    ----------
    dropped : float
        Share of the source's entries that coordinated dropout hides in training; only these count
        in the loss, see :class:`spikecast.models.networks.autoencoder.CoordinatedDropout`. It
        belongs to the class: without it an autoencoder of single trials copies their noise.
    """

    dropped: ClassVar[float] = 0.3
    can_add = False

    def _fit_features(self, z: np.ndarray) -> None:
        super(ReconstructionModel, self)._fit_inputs(z[..., : self.n_sources_])

    def _build_network(self, n_features: int, n_targets: int) -> "CoordinatedDropout":
        from spikecast.models.networks.autoencoder import CoordinatedDropout
        from spikecast.models.networks.layers import Features

        return CoordinatedDropout(
            self._kind,
            super()._build_network(self.features_.n_features_, n_targets),
            Features(self.features_, float(self._input_scale)),
            self.n_sources_,
            self.dropped,
        )


class RNNAutoencoder(Autoencoder, RNN):
    """:class:`RNN` that reconstructs the neurons it sees; see :class:`Autoencoder`.

    {recurrent}
    """

    title = "RNN autoencoder"
    about = "tanh RNN that reconstructs its source, trained by coordinated dropout"
    paper = "Elman 1990; Keshtkaran & Pandarinath 2019"


class GRUAutoencoder(Autoencoder, GRU):
    """:class:`GRU` that reconstructs the neurons it sees; see :class:`Autoencoder`.

    {recurrent}
    """

    title = "GRU autoencoder"
    about = "GRU that reconstructs its source, trained by coordinated dropout"
    paper = "Cho et al. 2014; Keshtkaran & Pandarinath 2019"


class LSTMAutoencoder(Autoencoder, LSTM):
    """:class:`LSTM` that reconstructs the neurons it sees; see :class:`Autoencoder`.

    {recurrent}
    """

    title = "LSTM autoencoder"
    about = "LSTM that reconstructs its source, trained by coordinated dropout"
    paper = "Hochreiter & Schmidhuber 1997; Keshtkaran & Pandarinath 2019"


class TimescalesAutoencoder(Autoencoder, Timescales):
    """:class:`Timescales` that reconstructs the neurons it sees; see :class:`Autoencoder`.

    Parameters
    ----------
    {timescales}

    {paper}

    {example}
    """

    title = "timescales autoencoder"
    about = "timescales that reconstructs its source, trained by coordinated dropout"
    paper = "spikecast; Keshtkaran & Pandarinath 2019"
    search_space: ClassVar[Space] = LATENT_SPACE | {"epochs": EPOCHS}
