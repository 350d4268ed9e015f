"""What is written about the studies is whole, and what is listed can be run."""

import pytest

from spikecast.report.study.figures import DRAW
from spikecast.runs import config as configs
from spikecast.runs.studies import preset as presets
from spikecast.runs.studies.catalog import STUDIES
from spikecast.runs.studies.study_data import StudyData, find_origin, find_recording

NAMES = list(STUDIES)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_whole(name):
    written = presets.read_preset(name)
    assert written.name == name
    assert {drawn.draw for drawn in written.figures} <= set(DRAW)
    assert len({row.key for row in written.rows}) == len(written.rows)
    assert len({flaw.rule for flaw in written.flaws}) == len(written.flaws)
    for version in (written, presets.make_quick(written)):
        assert version.data.simulation
        assert set(version.sound) == set(written.sound)


@pytest.mark.parametrize("name", NAMES)
def test_the_sound_configs_are_configs(name):
    quick = presets.make_quick(presets.read_preset(name))
    study = STUDIES[name]
    simulated = find_recording(quick, StudyData(), seed=0)
    assert find_origin(simulated, quick) == "simulated"
    prepared = study.prepare(simulated, quick.settings)
    for content in quick.sound.values():
        filled = presets.fill_names(content, prepared.names)
        configs.parse_config(presets.merge({"data": {"path": "somewhere.nc"}}, filled))
