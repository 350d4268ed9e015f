"""The directories that tests damage, made once."""

import pytest
from fuzz import samples


@pytest.fixture(scope="session")
def small_answers(tmp_path_factory):
    return samples.make_answers(tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    return samples.make_data(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def small_run(small_data):
    return samples.make_run(small_data, small_data.parent / "run")


@pytest.fixture(scope="session")
def unfinished_run(small_run):
    return samples.interrupt_run(small_run, small_run.parent / "unfinished")


@pytest.fixture(scope="session")
def small_atlas(small_data):
    return samples.make_atlas(small_data, small_data.parent / "atlas")


@pytest.fixture(scope="session")
def small_sweep(tmp_path_factory):
    return samples.make_sweep(tmp_path_factory.mktemp("sweep"))


@pytest.fixture(scope="session")
def unfinished_sweep(tmp_path_factory):
    return samples.interrupt_sweep(tmp_path_factory.mktemp("unfinished"))


@pytest.fixture(scope="session")
def unfinished_study(small_data, small_run):
    return samples.interrupt_study(small_data, small_run, small_data.parent / "unfinished_study")


@pytest.fixture(scope="session")
def small_study(small_data, small_run):
    return samples.make_study(small_data, small_run, small_data.parent / "study")
