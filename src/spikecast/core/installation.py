"""What is installed: the packages that spikecast needs, and those of its extras."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, version

from packaging.requirements import Requirement

DEVELOPERS = ("docs", "test")
"""Extras that nobody needs to analyse data."""
EXTRA = re.compile(r"extra == ['\"]([\w-]+)['\"]")


@dataclass(frozen=True)
class Package:
    """A package that spikecast needs, or one of an extra.

    Attributes
    ----------
    name : str
    needed : str
        The versions that will do, as in ``pyproject.toml``.
    installed : str
        The version that is here; empty where there is none.
    extra : str
        The extra that it belongs to; empty where spikecast cannot do without it.
    fits : bool
        Whether a version is here that will do.
    """

    name: str
    needed: str
    installed: str
    extra: str
    fits: bool


def list_packages(distribution: str = "spikecast") -> list[Package]:
    """Return the packages that an installed distribution needs, then those of its extras.

    Nothing is imported. Extras for developers are left out.

    Examples
    --------
    >>> packages = {package.name: package for package in list_packages()}
    >>> packages["numpy"].extra, packages["numpy"].fits
    ('', True)
    """
    lines = metadata(distribution).get_all("Requires-Dist") or []
    return sorted(_read(lines), key=lambda package: package.extra)


def _read(lines: Sequence[str]) -> Iterator[Package]:
    for line in lines:
        requirement = Requirement(line)
        found = EXTRA.search(str(requirement.marker or ""))
        extra = found[1] if found else ""
        if extra in DEVELOPERS:
            continue
        installed = find_version(requirement.name)
        fits = bool(installed) and requirement.specifier.contains(installed, prereleases=True)
        yield Package(requirement.name, str(requirement.specifier), installed, extra, fits)


def find_version(distribution: str) -> str:
    """Return the version of an installed package; empty where it is not installed.

    Examples
    --------
    >>> find_version("no-such-package")
    ''
    """
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
