"""Commands that list and describe: inspect, models, data."""


def test_inspect_says_what_is_in_a_file(data, spikecast):
    done = spikecast("inspect", data)
    assert done.status == 0
    for expected in ("session 1", "VISp 25", "contrast_left", "wheel", "only 12 trials",
                     "-0.2 to 0.6 s"):  # fmt: skip
        assert expected in done.output


def test_the_catalogues_are_listed(spikecast):
    models = spikecast("models").output
    for name in ("mean_rate", "poisson_glm", "timescales", "recipe"):
        assert name in models
    data_sets = spikecast("data", "list").output
    assert "steinmetz" in data_sets
    assert "stringer-spontaneous" in data_sets
