"""The sentence on rules of the audit that found nothing, for the pages and the command line."""

from spikecast.runs.audit import Audit


def describe_silent_rules(audit: Audit) -> str:
    """Return which rules could have found something in a run and did not.

    Examples
    --------
    >>> from spikecast.runs.audit import judge_claims
    >>> from spikecast.runs.provenance import Claim
    >>> claim = Claim(name="R2", metric="r2", value=0.9, null="mean")
    >>> print(describe_silent_rules(judge_claims([claim])))  # doctest: +ELLIPSIS
    1 of ... rules applies to what was recorded here and found no fault: null missing
    """
    names = f": {', '.join(audit.silent)}" if audit.silent else ""
    apply = "applies" if len(audit.silent) == 1 else "apply"
    return (
        f"{len(audit.silent) or 'none'} of {audit.n_rules} rules {apply} to what was recorded here "
        f"and found no fault{names}"
    )
