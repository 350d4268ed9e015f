"""Name what is wrong with how a run came by its numbers, by the rules of the audit."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spikecast.core.checks import check_kind
from spikecast.core.errors import RunError, UnreadRunError
from spikecast.core.notices import SEVERITIES, Severity
from spikecast.core.unforeseen import explain_unforeseen
from spikecast.runs.brought_rules import RULES
from spikecast.runs.layout import StudyLayout, find_kind
from spikecast.runs.manifest import check_study_finished
from spikecast.runs.provenance import Claim, read_claims

MOST_NAMED = 3  # numbers that a hazard names
NOT_AUDITED = {
    "atlas": "'{folder}' is an atlas, which keeps no record of each fit, so there is nothing to "
    "audit; predict an area of it, and audit that run"
}
"""Kind of folder that the audit does not read -> why, and what to do instead."""


@dataclass(frozen=True)
class Hazard:
    """What is wrong with a number.

    Attributes
    ----------
    rule : str
    severity : {"severe", "serious", "minor"}
        The number does not mean what it says; it may mislead; it says little.
    where : tuple of str
        Names of the numbers.
    evidence : str
        What is wrong, in a sentence.
    fix : str
        What to do instead.
    """

    rule: str
    severity: Severity
    where: tuple[str, ...]
    evidence: str
    fix: str

    @property
    def places(self) -> str:
        """The numbers it concerns, the first few by name."""
        more = len(self.where) - MOST_NAMED
        named = ", ".join(self.where[:MOST_NAMED])
        return f"{named} and {more} more" if more > 0 else named


@dataclass(frozen=True)
class Audit:
    """What the rules found in a run.

    Attributes
    ----------
    hazards : tuple of Hazard
        Severest first.
    silent : tuple of str
        Rules that could have found something, by what the run recorded, and did not.

    Examples
    --------
    >>> flawed = Claim(name="R2", metric="r2", value=0.9, train=[0, 1], test=[0, 1], null="mean")
    >>> result = judge_claims([flawed])
    >>> [hazard.rule for hazard in result.hazards], result.silent
    (['evaluated on training data'], ('drawn with replacement', 'null missing'))
    """

    hazards: tuple[Hazard, ...]
    silent: tuple[str, ...]

    @property
    def n_rules(self) -> int:
        """Number of rules there are, whether or not they could find something here."""
        return len(RULES)


def audit(folder: str | Path) -> Audit:
    """Look for hazards in how a finished run came by its numbers.

    Parameters
    ----------
    folder : str or Path
        A run directory, or a folder with a ``protocol.json``.

    Returns
    -------
    Audit

    Raises
    ------
    RunError
        When the run is missing or not finished.

    Examples
    --------
    >>> import tempfile
    >>> import spikecast
    >>> config = {"data": {"path": "simulated"}, "task": {"target": "MOs"},
    ...           "models": ["pca_ridge"], "evaluation": {"folds": 2, "shifts": 0}}
    >>> folder = spikecast.run(config, f"{tempfile.mkdtemp()}/run", workers=1)
    >>> [hazard.severity for hazard in spikecast.audit(folder).hazards]
    []
    """
    check_kind(folder, str, Path)
    with explain_unforeseen(f"'{folder}' is not audited", UnreadRunError):
        return judge_claims(read_claims(Path(folder)))


def list_audited(folder: str | Path) -> dict[str, Path]:
    """Return title -> folder of what can be audited: a run by itself, or the parts of a study.

    Raises a RunError for an atlas, whose fits are not recorded one by one.
    """
    folder = Path(folder)
    if (kind := find_kind(folder)) in NOT_AUDITED:
        raise RunError(NOT_AUDITED[kind].format(folder=folder))
    study = StudyLayout(folder)
    check_study_finished(study)
    if not study.described.folder.is_dir():
        return {"": folder}
    sound = {f"sound, {run.folder.name}": run.folder for run in study.list_sound_runs()}
    if study.concluded.protocol.exists():
        sound["sound, beside the runs"] = study.concluded.folder
    return {"as described": study.described.folder} | sound


def judge_claims(claims: Iterable[Claim]) -> Audit:
    """Return what all rules find in all claims."""
    claims = list(claims)
    hazards, silent = [], []
    for rule in RULES:
        read = [claim for claim in claims if rule.applies_to(claim)]
        evidence = {claim.name: text for claim in read if (text := rule.find(claim))}
        if evidence:
            first = next(iter(evidence.values()))
            hazards.append(Hazard(rule.name, rule.severity, tuple(evidence), first, rule.fix))
        elif read:
            silent.append(rule.name)
    hazards.sort(key=lambda hazard: SEVERITIES.index(hazard.severity))
    return Audit(tuple(hazards), tuple(silent))
