"""The public data sets that spikecast knows: address, source and format of each file.

Their licences are the authors'; see the original releases before you redistribute them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class RemoteFile:
    """One file of a data set; `sha256` is None where it is not known."""

    name: str
    url: str
    sha256: str | None = None


@dataclass(frozen=True)
class DataSet:
    """A public data set.

    Attributes
    ----------
    description : str
    files : tuple of RemoteFile
    reader : str
        A key of ``READERS``, or "" where no reader exists.
    citation : str
    folder : str
        Where the files are archives: the folder that they are unpacked into. It may also be filled
        by hand.
    page : str
        Address of the page from which people download it.
    """

    description: str
    files: tuple[RemoteFile, ...]
    reader: str
    citation: str
    folder: str = ""
    page: str = ""


def _make_data_set(description: str, files: dict[str, str], reader: str, citation: str) -> DataSet:
    """Return a data set whose files are on osf.io, given as name and key."""
    remote = (RemoteFile(name, f"https://osf.io/{key}/download") for name, key in files.items())
    return DataSet(description, tuple(remote), reader, citation)


STEINMETZ = "Steinmetz et al., Nature 576, 266 (2019); original release figshare 9598406"
STRINGER = "Stringer et al., Science 364, eaav7893 (2019); original release figshare 6163622"
FIGSHARE = "https://figshare.com/ndownloader/articles"
ORIENTATIONS = "Stringer et al., Cell 184, 2767 (2021)"

DATASETS: dict[str, DataSet] = {
    "steinmetz": _make_data_set(
        "39 Neuropixels sessions of a visual decision task (Neuromatch packaging)",
        {f"steinmetz_part{i}.npz": key for i, key in enumerate(("agvxh", "uv3mw", "ehmw2"))},
        "steinmetz",
        STEINMETZ,
    ),
    **{
        f"steinmetz-{name}": _make_data_set(
            f"{content} of the same 39 sessions", {file: key}, reader, STEINMETZ
        )
        for name, content, file, key, reader in (
            (
                "spike-times",
                "spike times (needs steinmetz)",
                "steinmetz_st.npz",
                "4bjns",
                "steinmetz",
            ),
            (
                "waveforms",
                "spike waveforms (needs steinmetz)",
                "steinmetz_wav.npz",
                "ugm9v",
                "steinmetz",
            ),
            ("lfp", "local field potentials", "steinmetz_lfp.npz", "kx3v9", ""),
        )
    },
    "stringer-spontaneous": _make_data_set(
        "11,983 neurons of mouse visual cortex, spontaneous, two-photon (Neuromatch packaging)",
        {"stringer_spontaneous.npy": "dpqaj"},
        "stringer",
        STRINGER,
    ),
    "stringer-orientations": _make_data_set(
        "23,589 neurons of mouse visual cortex, oriented gratings, two-photon",
        {"stringer_orientations.npy": "ny4ut"},
        "stringer",
        ORIENTATIONS,
    ),
    "steinmetz-alf": DataSet(
        "39 Neuropixels sessions of a visual decision task, the authors' own release (ALF files)",
        (RemoteFile("steinmetz-alf.zip", f"{FIGSHARE}/9598406/versions/2"),),
        "alf",
        STEINMETZ,
        folder="steinmetz-alf",
        page="https://doi.org/10.6084/m9.figshare.9598406",
    ),
    "stringer-original": DataSet(
        "spontaneous activity of mouse visual cortex, two-photon, the authors' own release (.mat)",
        (RemoteFile("stringer-original.zip", f"{FIGSHARE}/6163622/versions/6"),),
        "stringer_original",
        STRINGER,
        folder="stringer-original",
        page="https://doi.org/10.25378/janelia.6163622",
    ),
}
