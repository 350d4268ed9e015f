"""What libraries read beside their arguments, and cannot, is one line before anything is done."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("name", "value"),
    [("LOKY_MAX_CPU_COUNT", "x"), ("LOKY_MAX_CPU_COUNT", ""), ("SOURCE_DATE_EPOCH", "yesterday"),
     ("SOURCE_DATE_EPOCH", "9" * 14)],
)  # fmt: skip
def test_a_variable_that_libraries_cannot_read_is_named(spikecast, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    done = spikecast("models")
    assert done.status == 2
    (line,) = done.errors.strip().splitlines()
    assert line.startswith(f"error: the environment variable {name} is '{value}'; ")


def test_pages_need_no_window(tmp_path):
    figure = "from spikecast.cli.environment import set_environment as f; f(); import matplotlib"
    subprocess.run(
        [sys.executable, "-c", figure], env=os.environ | {"MPLBACKEND": "nonsense"}, check=True
    )


@pytest.mark.parametrize("variable", [None, "MATPLOTLIBRC", "MPLCONFIGDIR", "XDG_CONFIG_HOME"])
def test_damaged_settings_of_matplotlib_are_named(spikecast, tmp_path, monkeypatch, variable):
    folder = tmp_path / "matplotlib" if variable == "XDG_CONFIG_HOME" else tmp_path
    folder.mkdir(exist_ok=True)
    (folder / "matplotlibrc").write_bytes(b"font.size: \xff\xfe\x00")
    if variable is None:
        monkeypatch.chdir(tmp_path)
    else:
        monkeypatch.delenv("MPLCONFIGDIR", raising=False)
        monkeypatch.setenv(variable, str(tmp_path))
    done = spikecast("models")
    assert done.status == 2
    (line,) = done.errors.strip().splitlines()
    assert "the settings of matplotlib" in line
    assert "matplotlibrc', are no text" in line
    (folder / "matplotlibrc").write_text("font.size: 9")
    assert spikecast("models").status == 0
