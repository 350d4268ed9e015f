"""Mouse brain areas in the order anatomists list them, to sort tables by."""

from collections.abc import Iterable

GROUPS = {
    # thalamus first, then the visual hierarchy of Harris et al. 2019 and Siegle et al. 2021
    "thalamus": "LGd LP LD LH MD MG PO POL PT RT SPF TH VAL VPL VPM CL",
    "visual cortex": "VISp VISrl VISl VISal VISpm VISam VISa",
    "other cortex": "SSp SSs AUD AUDp RSP RSPv RSPd RSPagl MOp MOs ACA ACAd ACAv PL ILA ORB ORBm "
    "ORBl ORBvl AI DP TT OLF PIR COA",
    "hippocampus": "DG CA3 CA2 CA1 CA SUB ProS POST PRE HPF",
    "basal ganglia and septum": "CP ACB OT GPe SI SNr LS LSc LSr MS",
    "cortical subplate": "BLA BMA EP EPd MEA",
    "midbrain": "SCs SCm SCig SCsg IC APN NB MB MRN PAG RN ZI",
}
"""Areas of each group, as users of the Steinmetz recordings group them."""


def sort_areas(areas: Iterable[str]) -> list[str]:
    """Return areas in anatomical order; those that no group lists come last, by name.

    Examples
    --------
    >>> sort_areas(["MOs", "plane 2", "CA1", "VISp", "LGd"])
    ['LGd', 'VISp', 'MOs', 'CA1', 'plane 2']
    """
    known = [area for group in GROUPS.values() for area in group.split()]
    place = {area: number for number, area in enumerate(known)}
    return sorted(areas, key=lambda area: (place.get(area, len(place)), area))
