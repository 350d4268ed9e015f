"""The folders are the architecture: imports only point down, and the lower floors are light."""

import ast
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "spikecast"

# lowest first; a module may import from its own floor or from below
FLOORS = [
    ["core"],
    ["parallel"],
    ["data"],
    ["tasks"],
    ["scoring"],
    ["models"],
    ["evaluation"],
    ["analysis"],
    ["runs"],
    ["report"],
    ["cli"],
]
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}
LIGHT = FLOOR_OF["tasks"]


def modules() -> list[Path]:
    return [path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py"]


def top(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imported(path: Path) -> set[str]:
    """Dotted names a file imports, wherever in the file it does so."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def own_parts(path: Path) -> set[str]:
    """First parts below spikecast of what a file imports from spikecast."""
    found = {name.split(".")[1] for name in imported(path) if name.startswith("spikecast.")}
    return {part for part in found if part in FLOOR_OF}


def test_every_module_has_a_floor():
    assert {top(path) for path in modules()} <= set(FLOOR_OF)


def test_imports_only_point_down():
    upward = [
        f"{path.relative_to(SOURCE)} (floor {FLOOR_OF[top(path)]}) imports {part} "
        f"(floor {FLOOR_OF[part]})"
        for path in modules()
        for part in own_parts(path)
        if FLOOR_OF[part] > FLOOR_OF[top(path)]
    ]
    assert upward == []


def test_there_are_no_cycles_between_modules():
    names = {
        ".".join(("spikecast", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(
            ".__init__"
        ): path
        for path in modules()
    }
    graph = {}
    for name, path in names.items():
        found = imported(path) & names.keys() - {name}
        # "from package import module" is about the module, not about the package's own code
        graph[name] = {
            other for other in found if not any(f.startswith(f"{other}.") for f in found)
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
        str(path.relative_to(SOURCE))
        for path in modules()
        if FLOOR_OF[top(path)] <= LIGHT
        and any(name.split(".")[0] == "torch" for name in imported(path))
    ]
    assert heavy == []


def test_importing_the_package_does_not_import_torch():
    code = "import sys, spikecast; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
