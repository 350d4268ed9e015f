"""How a network is trained, and what happened: plain values, without torch."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Plan:
    """How to train.

    The learning rate rises to its peak over the first `warmup` part of the steps and falls to 0 on
    a cosine. As few trials make few steps in an epoch, there are as many epochs as it takes to
    reach `min_steps`.
    """

    epochs: int = 12  # passes through the training trials
    min_steps: int = 100
    batch_size: int | None = 8  # trials per step; None takes all
    learning_rate: float = 0.01
    warmup: float | None = 0.2  # None keeps the learning rate constant
    weight_decay: float = 0.5  # of the network's matrices (decoupled, as in AdamW)
    clip: float | None = 5.0  # largest norm of the gradient, per member
    patience: int | None = None  # stop when no member has improved for so many epochs

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
    """What happened in training; losses are (epoch, member).

    Where members are stopped together, validation trials are looked at every third epoch, and
    `valid_loss` stands still in between.
    """

    train_loss: list[list[float]] = field(default_factory=list)
    valid_loss: list[list[float]] = field(default_factory=list)
    best_epoch: list[int] = field(default_factory=list)
    seconds: float = 0.0
