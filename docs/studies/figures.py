"""Make docs/studies/*.png: ``python docs/studies/figures.py RUNS``.

RUNS holds a folder per study, made by ``spikecast run NAME --quick --out RUNS/NAME``; the figures
are those of the studies' own reports. Simulated data only.
"""

import sys
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from spikecast.report.study.figures import DRAW
from spikecast.report.study.page import StudyRun
from spikecast.report.study.scores import make_score_drawing
from spikecast.report.study.staircase import draw_staircase

HERE = Path(__file__).parent
DOTS, COLORS = 100, 128  # per inch; per file
SHOWN = {  # study: its own figures, and its sound runs whose scores are shown
    "livewired": (["over_time", "confusion"], ["main"]),
    "diggers": (["losses"], ["between", "within"]),
    "ninja": (["latents_stimulus", "maps"], ["halves"]),
    "stringer-running": (["predicted", "predicted_sound", "networks"], []),
    "nma-layers": (["maps_raw", "other_planes", "planes", "importance"], ["plane"]),
}


def main(runs: Path) -> None:
    """Draw the figures of all studies."""
    for name, (own, sound) in SHOWN.items():
        if not (runs / name).exists():  # its figures stay as they are
            continue
        study = StudyRun(runs / name)
        if not study.simulated:
            raise SystemExit(f"{study.folder} is not simulated: recordings are not ours to publish")
        written = {figure.name: figure for figure in study.preset.figures}
        for figure in own:
            save(f"{name}-{figure}", DRAW[written[figure].draw](study.arrays(written[figure])))
        for stairs in study.facts["staircases"]:
            save(f"{name}-{stairs['key']}-staircase", draw_staircase(stairs))
        for run in sound:
            target = study.runs[run].targets[0]
            called, beside = study.preset.called, study.list_beside(run)
            scores = make_score_drawing(target, called, beside)
            save(f"{name}-{run}-scores", scores.draw(scores.subject))


def save(name: str, figure: Figure) -> None:
    """Write a figure as docs/studies/NAME.png."""
    path = HERE / f"{name}.png"
    drawn = BytesIO()
    figure.savefig(drawn, dpi=DOTS)
    # a palette: bands of transparent colours make files of ten times the size
    Image.open(drawn).convert("RGB").quantize(COLORS).save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
