"""The public data sets that spikecast knows: address, source and format of each file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RemoteFile:
    """One file of a data set; `sha256` is None where it is not known."""

    name: str
    url: str
    sha256: str | None = None


@dataclass(frozen=True)
class DataSet:
    """A public data set and how to cite it.

    Attributes
    ----------
    description, citation, licence : str
    files : tuple of RemoteFile
    reader : str
        A key of :data:`spikecast.data.readers.READERS`; "" where no reader exists.
    """

    description: str
    files: tuple[RemoteFile, ...]
    reader: str
    citation: str
    licence: str = "the authors'; see the original release before you redistribute it"


STEINMETZ = "Steinmetz et al., Nature 576, 266 (2019); original release figshare 9598406"
STRINGER = "Stringer et al., Science 364, eaav7893 (2019); original release figshare 6163622"
ORIENTATIONS = "Stringer et al., Cell 184, 2767 (2021)"


def _on_osf(name: str, key: str) -> RemoteFile:
    return RemoteFile(name, f"https://osf.io/{key}/download")


DATASETS: dict[str, DataSet] = {
    "steinmetz": DataSet(
        "39 Neuropixels sessions of a visual decision task (Neuromatch packaging)",
        (
            _on_osf("steinmetz_part0.npz", "agvxh"),
            _on_osf("steinmetz_part1.npz", "uv3mw"),
            _on_osf("steinmetz_part2.npz", "ehmw2"),
        ),
        "steinmetz",
        STEINMETZ,
    ),
    "steinmetz-spike-times": DataSet(
        "spike times of the same 39 sessions",
        (_on_osf("steinmetz_st.npz", "4bjns"),),
        "",
        STEINMETZ,
    ),
    "steinmetz-waveforms": DataSet(
        "spike waveforms of the same 39 sessions",
        (_on_osf("steinmetz_wav.npz", "ugm9v"),),
        "",
        STEINMETZ,
    ),
    "steinmetz-lfp": DataSet(
        "local field potentials of the same 39 sessions",
        (_on_osf("steinmetz_lfp.npz", "kx3v9"),),
        "",
        STEINMETZ,
    ),
    "stringer-spontaneous": DataSet(
        "11,983 neurons of mouse visual cortex, spontaneous, two-photon (Neuromatch packaging)",
        (_on_osf("stringer_spontaneous.npy", "dpqaj"),),
        "stringer",
        STRINGER,
    ),
    "stringer-orientations": DataSet(
        "23,589 neurons of mouse visual cortex, oriented gratings, two-photon",
        (_on_osf("stringer_orientations.npy", "ny4ut"),),
        "stringer",
        ORIENTATIONS,
    ),
}
