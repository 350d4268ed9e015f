"""How a network is trained, and what happened: plain values, without torch."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Plan:
    """How to train.

    Parameters
    ----------
    epochs : int
        Passes through the training trials.
    min_steps : int
        Few trials make few steps in a pass; there are as many passes as it takes to get here.
    batch_size : int or None
        Trials per step; None takes all.
    learning_rate : float
        Its peak: it rises over the first `warmup` part of the steps and falls to 0 on a cosine.
    warmup : float or None
        None keeps the learning rate constant.
    weight_decay : float
        Of the network's matrices (decoupled, as in AdamW).
    clip : float or None
        Largest norm of the gradient, per member.
    patience : int or None
        Stop when no member has improved for so many epochs.
    """

    epochs: int = 12
    min_steps: int = 100
    batch_size: int | None = 8
    learning_rate: float = 0.01
    warmup: float | None = 0.2
    weight_decay: float = 0.5
    clip: float | None = 5.0
    patience: int | None = None

    @classmethod
    def plain(
        cls,
        epochs: int,
        learning_rate: float,
        batch_size: int | None = None,
        weight_decay: float = 0.0,
    ) -> "Plan":
        """Return the plan of many published recipes: one learning rate, no clipping."""
        return cls(
            epochs=epochs,
            min_steps=1,
            batch_size=batch_size,
            learning_rate=learning_rate,
            warmup=None,
            weight_decay=weight_decay,
            clip=None,
        )


@dataclass
class History:
    """What happened in training; losses are (epoch, member)."""

    train_loss: list[list[float]] = field(default_factory=list)
    valid_loss: list[list[float]] = field(default_factory=list)
    best_epoch: list[int] = field(default_factory=list)
    seconds: float = 0.0
