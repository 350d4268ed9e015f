"""doctor-install: one table, and what is missing with the line that installs it."""

from importlib.metadata import requires

import pytest

from spikecast import __version__
from spikecast.cli import doctor_install
from spikecast.core import installation
from spikecast.core.installation import list_packages


def test_versions_threads_and_extras_are_listed(spikecast):
    done = spikecast("doctor-install")
    assert done.status == 0, done.errors
    assert __version__ in done.output
    for word in ("python", "cores", "OMP_NUM_THREADS", "linear algebra", "GPU", "extra cluster"):
        assert word in done.output
    for package in list_packages():
        if not package.extra:
            assert f"{package.name} " in done.output


def test_what_is_missing_is_named_with_the_line_that_installs_it(monkeypatch, capsys):
    lines = ["numpy>=2.2", "scipy>=999", "nowhere>=1.0; extra == 'cluster'"]
    monkeypatch.setattr(installation, "metadata", lambda name: Lines(lines))
    packages = {package.name: package for package in list_packages()}
    assert [packages[name].fits for name in ("numpy", "scipy", "nowhere")] == [True, False, False]
    doctor_install.doctor_install()
    assert 'pip install "scipy>=999"' in capsys.readouterr().out
    monkeypatch.setattr(installation, "metadata", lambda name: Lines([lines[0], lines[2]]))
    doctor_install.doctor_install()
    assert 'pip install ".[cluster]"' in capsys.readouterr().out


class Lines:
    """The metadata of a distribution that needs some packages."""

    def __init__(self, lines):
        self.lines = lines

    def get_all(self, name):
        assert name == "Requires-Dist"
        return self.lines


def test_extras_of_developers_are_left_out():
    extras = {package.extra for package in list_packages()}
    assert not extras & {"docs", "test"}
    assert any("extra == " in line for line in requires("spikecast"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_tab_key_completes_commands(spikecast, monkeypatch, shell):
    monkeypatch.setenv("_SPIKECAST_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("COMP_WORDS", "spikecast pred")
    monkeypatch.setenv("COMP_CWORD", "1")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "spikecast pred")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    assert "predict" in spikecast().output
