"""Search spaces and changes of them; that every model states one is in test_contract.py."""

import pytest

from spikecast.core.errors import InputError, UnknownNameError
from spikecast.models.catalog import space_of
from spikecast.models.spaces import Between, OneOf


def test_spaces_can_be_changed_setting_by_setting():
    changes = {"widths": None, "n_components": Between(2, 9), "causal": OneOf((True, False))}
    space = space_of("pca_ridge", changes)
    assert space == {"n_components": Between(2, 9), "causal": OneOf((True, False))}
    assert space_of("gru", {"dropout": Between(0, 1)})["dropout"] == Between(0.0, 1.0)
    assert not space_of("gru", {"dropout": Between(0, 1)})["dropout"].whole
    assert OneOf(([1.0, 3.0],)).holds((1.0, 3.0))


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("pca_ridge", {"n_component": Between(1, 2)}, "Did you mean 'n_components'"),
        ("pca_ridge", {"n_co\ufeffmponents": Between(1, 2)}, r"'n_co\\ufeffmponents'"),
        ("pca_ridge", {"n_components": Between(9, 2)}, "low must be below high"),
        ("pca_ridge", {"n_components": Between(0, 9, log=True)}, "must start above 0"),
        ("pca_ridge", {"n_components": OneOf(())}, "is empty"),
        ("pca_ridge", {"n_components": OneOf(({"a": 1},))}, "among keys and values"),
        ("pca_ridge", {"n_components": Between(1, float("inf"))}, "both must be numbers"),
        ("psth", {}, "a null chooses for itself"),
        ("pca_rige", {}, "Did you mean 'pca_ridge'"),
    ],
)
def test_mistakes_are_explained(name, changes, message):
    with pytest.raises((InputError, UnknownNameError), match=message):
        space_of(name, changes)
