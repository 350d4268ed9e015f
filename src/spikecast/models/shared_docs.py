"""Texts that the docstrings of several models share."""

import re
from textwrap import dedent, indent

TEXTS = {
    "features": """
        widths : sequence of float
            Standard deviations, in bins, of the Gaussians that smooth the source, side by side.
        n_components : int
            Principal components of each.
    """,
    "penalties": """
        penalties : sequence of float
            L2 penalties per sample to choose from on validation trials, relative to the variance
            of the first component.
    """,
    "causal": """
        causal : bool
            Smooth, and infer latents, from the present and the past only.
    """,
    "seed": """
        seed : int
            Of the validation trials.
    """,
    "context": """
        context : {"off", "source", "full"}
            What the trial's place in the session adds, learnt from training trials: nothing; what
            the source's activity in nearby trials tells; how much more or less than predicted each
            target did in nearby trials. With one, ``fit`` and ``predict`` take ``trials``, and
            networks have at least five members.
    """,
    "inner_folds": """
        split : {"trial", "block"}
            How inner folds are cut: as the outer folds are, since drift is easier to follow
            between random trials than across a block.
        gap : int
            Trials left out on either side of an inner block.
        seed : int
            Of the inner folds.
    """,
    "training": """
        epochs : int
            Passes through the training trials.
        batch_size : int
            Trials per step.
        learning_rate : float
            Its peak: it rises over the first fifth of the steps and falls to 0 on a cosine.
        weight_decay : float
            Of the network's matrices, decoupled as in AdamW.
    """,
    "patience": """
        patience : int, optional
            Stop when validation trials have not been predicted better for so many epochs.
    """,
    "device": """
        device : {"auto", "cpu", "cuda", "mps"}
            Where to train and predict; "auto" takes a graphics processor where there is one.
        seed : int
            Of weights, batches and validation trials.
    """,
    "recurrent": """
        Parameters
        ----------
        n_latents : int
            States per direction.
        n_layers : int
            Recurrent layers, one on top of the other.
        {features}
        dropout : float
            Probability with which an input or a state is dropped in training.
        causal : bool
            Smooth the past only, and run in one direction.
        {training}
        {patience}
        {device}

        {paper}

        {example}
    """,
    "timescales": """
        n_latents : int
            Per layer and member.
        n_members : int
            Networks that are trained side by side and averaged.
        {features}
        time_constants : (float, float)
            Range in bins in which the time constants start.
        dropout : float
            Probability with which a latent is dropped in training.
        causal : bool
            Smooth and filter over the past only.
        n_layers : int
            Each layer filters the latents of the one before it; all are read out.
        {training}
        {device}
        {context}
        future_only : bool
            Smooth and filter over the future only: bin t is predicted from t and later bins.
        {held_out}
    """,
    "held_out": """
        held_out_parts : int
            Parts of the training trials that are each held out from one more network, which is
            stopped on its part and predicts no other trials: what the weights of a stack are
            learnt from. Members then learn from all trials, and stop where these networks do. With
            0 members are stopped on a fifth of the trials each.
    """,
    "committee": """
        causal : bool
            Of the members that have it as a setting.
        hide_areas : bool
            Of the members that have it as a setting, see :class:`Transformer`.
        seed : int
            Each member's own seed is derived from it.
    """,
    "stack": """
        n_inner : int, optional
            Inner folds on which a model without members is refitted; by default 3, and 5 where
            there are fewer than 100 trials.
        pull : float
            Strength of the pull towards the weights shared by all targets, in spikes.
        {committee}
        {context}
    """,
    "example": """
        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> x = rng.poisson(0.5, (12, 20, 6)); y = x[..., :2]
        >>> {name}({quick}).fit(x, y).predict(x).shape
        (12, 20, 2)
    """,
    "paper": """
        References
        ----------
        {reference}
    """,
}

LINE = re.compile(rf"^( *){{({'|'.join(TEXTS)})}}\n", re.MULTILINE)
QUICK = {"n_latents": 4, "n_iterations": 5, "epochs": 1}
"""Settings of an example that runs at once, where a class has them."""


def complete_docs(cls: type) -> None:
    """Put shared texts into a class's docstring, in place of lines with their names in braces.

    Within the texts, ``{name}`` is the name of the class, ``{reference}`` its paper, ``{quick}``
    settings of an example.
    """
    words = {
        "{name}": cls.__name__,
        "{reference}": getattr(cls, "paper", ""),
        "{quick}": ", ".join(f"{key}={value}" for key, value in QUICK.items() if hasattr(cls, key)),
    }

    def fill(match: re.Match[str]) -> str:
        text = LINE.sub(fill, dedent(TEXTS[match[2]]).lstrip("\n"))
        for word, content in words.items():
            text = text.replace(word, content)
        return indent(text, match[1])

    if cls.__doc__:
        cls.__doc__ = LINE.sub(fill, cls.__doc__)
