"""What is asked of the catalogue by name."""

from spikecast.models.catalog import (
    DEFAULT_MODEL,
    MODELS,
    is_baseline,
    is_null,
    searchable_models,
    strongest_baseline,
)


def test_nulls_and_baselines_are_what_the_papers_call_so():
    # another model may be added; these are what they are
    assert {"mean_rate", "psth"} <= {name for name in MODELS if is_null(name)}
    baselines = {"poisson_glm", "pls", "reduced_rank", "pca_ridge", "factor_analysis"}
    assert baselines <= {name for name in MODELS if is_baseline(name)}
    assert not is_null("a label of a config")
    assert not is_baseline("a label of a config")
    assert not is_baseline(DEFAULT_MODEL)


def test_the_strongest_baseline_is_found_in_any_order():
    assert strongest_baseline(["pca_ridge", "gru", "pls"]) == "pls"
    assert strongest_baseline(["gru", "psth"]) is None


def test_models_without_a_space_are_not_searchable():
    assert set(searchable_models()) == {n for n, model in MODELS.items() if model.search_space}
    assert "psth" not in searchable_models()
