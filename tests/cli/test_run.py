"""run and studies from the command line."""


def test_studies_are_listed_and_their_mistakes_explained(spikecast, tmp_path):
    listed = spikecast("studies").output
    assert "livewired" in listed
    assert "Steinmetz 2019" in listed
    for arguments, message in (
        (("run", "livewird"), "Did you mean 'livewired'"),
        (("run", "c.yaml", "--quick"), "are for studies"),
        (("run", "livewired", "--quick", "--resume"), "no study in"),
        (("run", "livewired", "--data", "none.npz"), "there is no file"),
    ):
        wrong = spikecast(*arguments)
        assert wrong.status == 2, arguments
        (line,) = wrong.errors.strip().splitlines()
        assert message in line
    assert list(tmp_path.iterdir()) == []
