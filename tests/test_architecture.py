"""The folders are the architecture: imports only point down, and what is outside uses the API."""

import ast
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

import spikecast

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "spikecast"

# Folder -> its floors, lowest first. A module may import what stands on a lower floor; on one floor
# folders do not import each other. "*" is every file that is not named.
FLOORS: dict[str, list[list[str]]] = {
    "": [
        ["core"],
        ["parallel", "data"],
        ["tasks"],
        ["scoring"],
        ["models"],
        ["evaluation"],
        ["analysis"],
        ["runs"],
        ["report"],
        ["cli"],
    ],
    "data": [["*"], ["doctor"], ["readers"], ["simulate"], ["loaders"]],
    "models": [["shared_features"], ["preprocess"], ["networks"], ["*"]],
    "analysis": [["*"], ["decoding", "interareal", "geometry"]],
    "runs": [
        ["layout"],
        ["manifest", "contents", "fit_files", "score_tables", "settings"],
        ["run_directory", "questions", "model_entries"],
        ["config"],
        ["reader", "targets"],
        ["fits", "provenance"],
        ["audit_rules", "brought_claims"],
        ["brought_rules", "experiment"],
        ["audit"],
        ["atlas", "sweep", "studies", "tracking"],
    ],
    "report": [
        ["shared"],
        ["questions"],
        ["run"],
        ["atlas", "sweep", "study", "doctor"],
        ["many_runs"],
        ["plot"],
    ],
}
MOST_ROOMS, MOST_FLOORS = 13, 10
LIGHT = ("core", "parallel", "data", "tasks", "scoring")

# What stands outside the package imports `spikecast`, and these because they measure or draw an
# inside part.
INSIDE = {
    # fits with areas hidden, on inner folds
    "areas.py": ("spikecast.models.inner_cv",),
    "pretraining.py": (
        "spikecast.models.base",
        "spikecast.models.inner_cv",
        "spikecast.tasks.problem",
    ),
    # the closed form of a pair against the same by hand; what an engine costs per job
    "atlas.py": (
        "spikecast.analysis.conditions",
        "spikecast.analysis.interareal.pairwise",
        "spikecast.analysis.interareal.pairwise_rungs",
        "spikecast.analysis.interareal.pairwise_shifts",
        "spikecast.models.base",
        "spikecast.models.preprocess",
        "spikecast.parallel",
        "spikecast.parallel.shared_data",
        "spikecast.runs.atlas",
        "spikecast.runs.atlas.plan",
        "spikecast.runs.atlas.settings",
        "spikecast.tasks.trial_facts",
    ),
    # single checks, and the faults that they must find
    "doctor.py": (
        "spikecast.core.notices",
        "spikecast.data.cut",
        "spikecast.data.cuts.taken",
        "spikecast.data.doctor",
        "spikecast.data.doctor.amplitudes",
        "spikecast.data.doctor.clock_drift",
        "spikecast.data.doctor.events",
        "spikecast.data.doctor.order",
        "spikecast.data.doctor.presence",
        "spikecast.data.doctor.refractory",
        "spikecast.data.doctor.spike_clock",
        "spikecast.data.doctor.spike_facts",
        "spikecast.data.doctor.twins",
        "spikecast.data.selection",
        "spikecast.data.session",
        "spikecast.data.simulate",
    ),
    # the verdict that a page prints
    "claims.py": ("spikecast.evaluation.verdict",),
    "ladder.py": ("spikecast.evaluation.verdict",),
    # one fit, timed
    "catalogue.py": ("spikecast.evaluation.fit",),
    "workers.py": (
        "spikecast.evaluation.fit",
        "spikecast.parallel.executors",
        "spikecast.tasks.problem",
    ),
    # single steps of a fit: epochs of networks, components, one bin of a decoder
    "epochs.py": (
        "spikecast.models.networks.network",
        "spikecast.models.networks.plan",
        "spikecast.models.networks.recurrent",
        "spikecast.models.networks.timescales",
        "spikecast.models.networks.training",
    ),
    "lfads_reference.py": (
        "spikecast.models.networks.generators",
        "spikecast.models.networks.lfads",
        "spikecast.models.networks.generators",
        "spikecast.models.networks.network",
        "spikecast.models.networks.plan",
        "spikecast.models.networks.training",
    ),
    "pca.py": ("spikecast.models.preprocess",),
    "stringer_scale.py": ("spikecast.models.preprocess",),
    "timing.py": (
        "spikecast.analysis.decoding",
        "spikecast.analysis.decoding.bins",
        "spikecast.analysis.decoding.nulls",
    ),
    # the studies' own names and figures
    "studies.py": ("spikecast.runs.studies.catalog",),
    "figures.py": (
        "spikecast.report.study.figures",
        "spikecast.report.study.page",
        "spikecast.report.study.scores",
        "spikecast.report.study.staircase",
    ),
}


# ------------------------------------------------------------------------------------ reading


@cache
def modules() -> dict[str, Path]:
    """Dotted name -> file, of everything but the public API."""
    by_name = {}
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        by_name[".".join(parts).removesuffix(".__init__")] = path
    by_name.pop("spikecast")
    return by_name


@cache
def imported(path: Path) -> frozenset[str]:
    """Dotted names a file imports, wherever in the file it does so."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def entries(folder: str) -> set[str]:
    """Files and folders of a folder, without endings."""
    below = (path for path in (SOURCE / folder).iterdir() if path.name != "__pycache__")
    names = {path.stem for path in below if path.is_dir() or path.suffix == ".py"}
    return names - {"__init__", "__main__"}


def floor_of(folder: str, name: str) -> int | None:
    for number, names in enumerate(FLOORS[folder]):
        if name in names:
            return number
    return next((n for n, names in enumerate(FLOORS[folder]) if "*" in names), None)


def is_folder(folder: str, name: str) -> bool:
    return (SOURCE / folder / name).is_dir()


# ------------------------------------------------------------------------------------ floors


def test_the_street_is_short():
    assert len(entries("")) <= MOST_ROOMS
    assert len(FLOORS[""]) <= MOST_FLOORS


@pytest.mark.parametrize("folder", FLOORS)
def test_every_file_and_folder_has_a_floor(folder):
    assert {name for name in entries(folder) if floor_of(folder, name) is None} == set()
    named = {name for names in FLOORS[folder] for name in names} - {"*"}
    assert named <= entries(folder)


def test_every_folder_of_folders_has_floors():
    def holds_folders(path: Path) -> bool:
        inner = [one for one in path.iterdir() if one.is_dir() and one.name != "__pycache__"]
        return any((one / "__init__.py").exists() for one in inner)

    with_floors = {path.name for path in SOURCE.iterdir() if path.is_dir() and holds_folders(path)}
    assert with_floors == set(FLOORS) - {""}


@pytest.mark.parametrize("folder", FLOORS)
def test_imports_only_point_down(folder):
    prefix = ".".join(("spikecast", folder)).removesuffix(".") + "."
    wrong = set()
    for name, path in modules().items():
        if not name.startswith(prefix):
            continue
        here = name.removeprefix(prefix).split(".")[0]
        if here not in entries(folder):  # __main__, which imports the command line
            continue
        for other in imported(path):
            there = other.removeprefix(prefix).split(".")[0]
            if not other.startswith(prefix) or there == here or there not in entries(folder):
                continue
            low, high = floor_of(folder, there), floor_of(folder, here)
            both = is_folder(folder, here) and is_folder(folder, there)
            if low > high or (low == high and both):
                wrong.add(f"{path.relative_to(SOURCE)} imports {prefix}{there}")
    assert wrong == set()


def test_there_are_no_cycles_between_modules():
    graph = {}
    for name, path in modules().items():
        others = imported(path) & modules().keys() - {name}
        # "from package import module" is about the module, not about the package's own code
        graph[name] = {
            other for other in others if not any(one.startswith(f"{other}.") for one in others)
        }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"cycle: {' -> '.join((*trail, name))}"
        if name not in done:
            for other in graph[name]:
                visit(other, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_lower_floors_do_not_import_torch():
    heavy = [
        name
        for name, path in modules().items()
        if name.split(".")[1] in LIGHT
        and any(other.split(".")[0] == "torch" for other in imported(path))
    ]
    assert heavy == []


# ------------------------------------------------------------------------------------ sizes


def lines_of_code(node: ast.AST, lines: list[str]) -> int:
    """Lines of a function without docstrings, comments and blank lines."""
    described = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(inner):
            described |= set(range(inner.body[0].lineno, inner.body[0].end_lineno + 1))
    numbers = set(range(node.lineno, node.end_lineno + 1)) - described
    texts = (lines[number - 1].strip() for number in numbers)
    return sum(bool(text) and not text.startswith("#") for text in texts)


def test_files_functions_and_argument_lists_are_short():
    wrong = []
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        lines, place = text.split("\n"), path.relative_to(SOURCE)
        if len(lines) > 401:
            wrong.append(f"{place}: {len(lines) - 1} lines")
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.FunctionDef):
                continue
            names = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
            arguments = [name for name in names if name not in ("self", "cls")]
            # a model's settings are arguments of its constructor, as scikit-learn has it
            if node.name != "__init__" and len(arguments) + len(node.args.kwonlyargs) > 10:
                wrong.append(f"{place}: {node.name} has more than 10 arguments")
            if lines_of_code(node, lines) > 60:
                wrong.append(f"{place}: {node.name} has more than 60 lines of code")
    assert wrong == []


# ------------------------------------------------------------------------------------ outside


def outside_files() -> list[Path]:
    folders = (ROOT / "benchmarks", ROOT / "docs")
    files = (path for folder in folders for path in folder.rglob("*.py"))
    # the settings of the site read the table of public names itself
    return sorted(path for path in files if path != ROOT / "docs" / "conf.py")


@pytest.mark.parametrize("path", outside_files(), ids=lambda path: path.stem)
def test_what_is_outside_uses_the_public_api(path):
    """Benchmarks, examples and tutorials import `spikecast`, and each import still works."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    imports = [one for one in nodes if isinstance(one, ast.Import)]
    plain = {alias.name for one in imports for alias in one.names}
    assert {name for name in plain if name.startswith("spikecast.")} == set()
    used = {
        node.module: [alias.name for alias in node.names]
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "spikecast"
    }
    assert set(used) <= {"spikecast", *INSIDE.get(path.name, ())}
    lacking = {
        f"{module}.{name}"
        for module, names in used.items()
        for name in names
        if not hasattr(import_module(module), name) and find_spec(f"{module}.{name}") is None
    }
    attributes = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("sc", "spikecast")
    }
    assert lacking == set()
    assert attributes <= {*spikecast.__all__, "__version__"}
