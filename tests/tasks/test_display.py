"""Tasks and problems print in one line."""

import numpy as np

from spikecast import AreaToArea, HeldOutNeurons, NeuronsToNeurons


def test_a_task_shows_what_was_set():
    assert repr(AreaToArea("MOs")) == "AreaToArea(target='MOs')"
    assert repr(AreaToArea("MOs", ["VISp", "MD"], lag=2)) == (
        "AreaToArea(target='MOs', source=['VISp', 'MD'], lag=2)"
    )
    many = NeuronsToNeurons(np.arange(400), [3, 4])
    assert repr(many) == "NeuronsToNeurons(source=<400 of 0 to 399>, target=[3, 4])"
    assert "<b>HeldOutNeurons()</b>" in HeldOutNeurons()._repr_html_()


def test_a_problem_shows_its_sizes(recording):
    problem = AreaToArea("MOs").problem(recording)
    shown = repr(problem)
    assert "rest -> MOs" in shown
    assert f"{problem.y.shape[2]} targets (counts)" in shown
    assert len(shown) < 120
