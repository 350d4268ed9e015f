"""What people type: every public name resolves, is documented, and is imported only when used."""

import inspect
import re
import subprocess
import sys
import typing
from collections.abc import Iterator

import pytest

import spikecast

CALLABLES = list(spikecast.NAMES)


@pytest.mark.parametrize("name", spikecast.__all__)
def test_every_public_name_resolves_and_is_listed(name):
    assert getattr(spikecast, name) is not None
    assert name in dir(spikecast)


@pytest.mark.parametrize("name", CALLABLES)
def test_functions_and_classes_are_described_with_an_example(name):
    public = getattr(spikecast, name)
    text = inspect.getdoc(public) or ""
    sections = re.findall(r"^(\w+)\n-{4,}$", text, flags=re.MULTILINE)
    assert "Examples" in sections, name
    if inspect.signature(public).parameters:
        assert "Parameters" in sections or "Attributes" in sections, name
    returns = inspect.signature(public).return_annotation
    if inspect.isfunction(public) and returns not in (None, Iterator[None]):
        assert "Returns" in sections or "Yields" in sections, name


@pytest.mark.parametrize("name", CALLABLES)
def test_their_annotations_resolve(name):
    public = getattr(spikecast, name)
    typing.get_type_hints(public.__init__ if inspect.isclass(public) else public)


def test_editors_see_the_names_that_python_finds():
    source = inspect.getsource(spikecast)
    seen = re.findall(r"import (\w+) as \1$", source, flags=re.MULTILINE)
    seen += re.findall(r"^ {8}(\w+) as \1,$", source, flags=re.MULTILINE)
    assert sorted(seen) == sorted(spikecast.__all__)


def test_an_unknown_name_is_answered_by_the_nearest():
    with pytest.raises(AttributeError, match="Did you mean 'decode_over_time'"):
        _ = spikecast.decode_overtime


def modules_after(code: str) -> set[str]:
    """Names of the modules that a new Python has imported after some code."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import spikecast", {"torch", "sklearn", "matplotlib", "scipy"}),
        ("import spikecast as sc; sc.load('simulated')", {"torch", "sklearn", "matplotlib"}),
        ("from spikecast.cli import predict, decode, sweep, run", {"torch", "matplotlib"}),
        (
            "from spikecast.cli.app import app; app(['--help'], standalone_mode=False)",
            {"torch", "sklearn", "matplotlib", "scipy", "pandas", "xarray"},
        ),
    ],
)
def test_large_libraries_are_imported_where_they_are_needed(code, heavy):
    assert modules_after(code) & heavy == set()
