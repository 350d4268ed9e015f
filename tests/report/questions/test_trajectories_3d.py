"""Paths in three dimensions on the page: drawn offline, without errors, and turned by a drag."""

import re

import pytest

from spikecast import report
from spikecast.runs import config, experiment


def page_of(recording, folder, n_dims):
    recording.save(folder / "task.nc")
    asked = {"labels": ["response"], "area": "VISp", "n_dims": n_dims}
    wanted = {"data": {"path": str(folder / "task.nc")}, "analysis": {"trajectories": asked}}
    return report.build(experiment.run(config.parse_config(wanted), folder / "run"))


@pytest.fixture(scope="module")
def page(recording, tmp_path_factory):
    return page_of(recording, tmp_path_factory.mktemp("turned"), 3)


NAME = "paths-response-counts-turned"
EYE = f"""
const eye = document.getElementById('{NAME}')._fullLayout.scene._scene.getCamera().eye;
return [eye.x, eye.y, eye.z]"""
DRAWN = f"""
const canvas = document.querySelector('#{NAME} canvas');
return canvas ? [canvas.width, canvas.height] : [0, 0]"""
FETCHED = """
return performance.getEntriesByType('resource').map(e => e.name)
  .filter(name => !name.startsWith('data:') && !name.startsWith('blob:'))"""
TOO_WIDE = "return document.documentElement.scrollWidth - window.innerWidth"


def test_the_library_is_on_the_page_only_where_something_turns(recording, page, tmp_path):
    text = page.read_text()
    assert len(re.findall(r"\* plotly\.js v", text)) == 1
    assert f'id="{NAME}"' in text
    assert "<script src" not in text
    assert "spikecast[interactive]" not in text
    assert (page.parent / "figures" / "paths-response-counts.svg").exists()
    flat = page_of(recording, tmp_path, 2).read_text()
    assert "plotly" not in flat
    assert "<script" not in flat


@pytest.mark.parametrize("width", [1200, pytest.param(390, marks=pytest.mark.slow)])
def test_a_drag_turns_it(page, browser, width):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    browser.set_window_size(width, 900)
    browser.get(page.as_uri())
    WebDriverWait(browser, 60).until(lambda d: min(d.execute_script(DRAWN)) > 100)
    plot = browser.find_element(By.ID, NAME)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", plot)
    before = browser.execute_script(EYE)
    drag = ActionChains(browser).move_to_element(plot).click_and_hold()
    drag.move_by_offset(60, 10).move_by_offset(40, 10).release().perform()
    after = browser.execute_script(EYE)
    assert max(abs(a - b) for a, b in zip(before, after)) > 0.1
    assert "WebGL is not supported" not in plot.text
    errors = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert errors == []
    assert browser.execute_script(FETCHED) == []
    assert browser.execute_script(TOO_WIDE) <= 0


def test_without_plotly_the_page_says_so_and_has_all_else(page, monkeypatch):
    """Drawn again where plotly cannot be found: the flat figure stays, the other is named."""
    monkeypatch.setattr("spikecast.report.questions.trajectories_3d.find_spec", lambda name: None)
    text = report.build(page.parent).read_text()
    assert "spikecast[interactive]" in text
    assert f'id="{NAME}"' not in text
    assert "<script" not in text
    assert 'id="paths-response-counts"' in text
