"""spikecast doctor-install."""

import os
import platform
from itertools import groupby

from rich.console import Console
from rich.table import Table

from spikecast import __version__
from spikecast.core.installation import Package, list_packages

THREADS = "OMP_NUM_THREADS"


def doctor_install() -> None:
    """Print versions, threads, BLAS, GPU and extras of this installation, and what is missing."""
    packages = list_packages()
    needed = [package for package in packages if not package.extra]
    extras = [package for package in packages if package.extra]
    table = Table(box=None, pad_edge=False)
    for column in ("what", "here", "remark"):
        table.add_column(column)
    for row in (*_describe_machine(), *map(_describe, needed), *_describe_extras(extras)):
        table.add_row(*row)
    Console().print(table)
    print(_conclude(needed, extras))


def _describe_machine() -> list[tuple[str, str, str]]:
    import torch
    from joblib import cpu_count
    from threadpoolctl import threadpool_info

    from spikecast.models.networks.training import pick_device

    kinds = (f"{pool['internal_api']} {pool['version'] or ''}" for pool in threadpool_info())
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return [
        ("spikecast", __version__, ""),
        ("python", platform.python_version(), f"{platform.system()} {platform.machine()}"),
        ("cores", str(cpu_count()), "one process each, unless --workers says otherwise"),
        (THREADS, os.environ.get(THREADS, "not set"), "each fit takes one thread, whatever it is"),
        ("linear algebra", ", ".join(sorted({kind.strip() for kind in kinds})), ""),
        ("GPU", gpu, f"networks run on: {pick_device().type}"),
    ]


def _describe(package: Package) -> tuple[str, str, str]:
    remark = "" if package.fits else f"needed: {package.needed}"
    return package.name, package.installed or "missing", remark


def _describe_extras(extras: list[Package]) -> list[tuple[str, str, str]]:
    rows = []
    for extra, members in groupby(extras, key=lambda package: package.extra):
        packages = list(members)
        lacking = [package.name for package in packages if not package.fits]
        here = ", ".join(f"{one.name} {one.installed}" for one in packages if one.installed)
        remark = f"not all here: {', '.join(lacking)}" if lacking else ""
        rows.append((f"extra {extra}", here or "not installed", remark if here else ""))
    return rows


def _conclude(needed: list[Package], extras: list[Package]) -> str:
    """Return what is missing, and how it is installed."""
    lacking = [f'"{one.name}{one.needed}"' for one in needed if not one.fits]
    if lacking:
        return f"missing or too old: pip install {' '.join(lacking)}"
    absent = list(dict.fromkeys(one.extra for one in extras if not one.fits))
    if not absent:
        return "Nothing is missing."
    return (
        f'Nothing that is needed is missing. For the extras: pip install ".[{",".join(absent)}]" '
        "in a copy of the repository."
    )
