"""Write recordings in the public packagings, as their readers expect them."""

import numpy as np

from spikecast.data.readers import steinmetz, stringer


def write_steinmetz(path, *recordings):
    """Write sessions of spike counts, event times counted from the stimulus."""
    sessions = np.empty(len(recordings), dtype=object)
    sessions[:] = [build_session(recording) for recording in recordings]
    np.savez_compressed(path, dat=sessions)


def build_session(recording):
    """The session dict of a recording: the inverse of `steinmetz.build_recording`."""
    dataset = recording.dataset
    raw = {
        "spks": recording.activity.transpose(2, 0, 1),
        "brain_area": recording.area,
        "bin_size": recording.bin_size,
        "stim_onset": float(np.round(recording.bin_size / 2 - recording.time[0], 9)),
        "mouse_name": str(dataset.attrs["subject"]),
        "date_exp": str(dataset.attrs.get("date", "")),
    }
    if {"x", "y", "z"} <= set(dataset.coords):
        raw["ccf"] = np.stack([dataset[axis].values for axis in "xyz"], axis=1)
    if "ccf_axes" in dataset.attrs:
        raw["ccf_axes"] = dataset.attrs["ccf_axes"].split(",")
    if "trough_to_peak" in dataset.coords:
        samples = dataset["trough_to_peak"].values * steinmetz.SAMPLES_PER_MS
        raw["trough_to_peak"] = np.round(samples, 6)
    keys = {
        **steinmetz.TRIAL_KEYS,
        **{f"{key}_passive": f"{key}_passive" for key in ("contrast_left", "contrast_right")},
        "cellid_orig": "cell_id",
        "active_trials": "active",
    }
    raw |= {key: dataset[name].values for key, name in keys.items() if name in dataset}
    if "reaction_time" in dataset.coords:
        columns = [name for name in ("reaction_time", "reaction_direction") if name in dataset]
        raw["reaction_time"] = np.stack([dataset[name].values for name in columns], axis=1)
    for key in steinmetz.BEHAVIOR_KEYS:
        for name in (key, f"{key}_passive"):
            if name in dataset:
                values = dataset[name].values
                raw[name] = values[np.newaxis] if values.ndim == 2 else np.moveaxis(values, -1, 0)
    if "activity_passive" in dataset:
        raw["spks_passive"] = dataset["activity_passive"].values.transpose(2, 0, 1)
    return raw


def write_stringer(path, recording):
    """Write one continuous trial."""
    dataset = recording.dataset
    raw = {
        "sresp": recording.activity[0].T,
        "bin_size": recording.bin_size,
        "session": recording.session,
        "subject": str(dataset.attrs["subject"]),
    }
    if {"x", "y", "z"} <= set(dataset.coords):
        raw["xyz"] = np.stack([dataset[axis].values for axis in "xyz"])
    for key, name in stringer.BEHAVIOR_KEYS.items():
        if name in dataset:
            values = dataset[name].values[0]
            raw[key] = values[:, np.newaxis] if values.ndim == 1 and key != "istim" else values
    keys = {key: name for key, (_, name) in stringer.SPONTANEOUS_KEYS.items()}
    keys["beh_svd_mask"] = "face_svd_mask"
    raw |= {key: dataset[name].values for key, name in keys.items() if name in dataset}
    fields = [str(name) for name in dataset.coords if str(name).startswith("stat_")]
    if fields:
        raw["stat"] = np.array(
            [
                {field.removeprefix("stat_"): dataset[field].values[neuron] for field in fields}
                for neuron in range(recording.n_neurons)
            ],
            dtype=object,
        )
    np.save(path, np.array(raw, dtype=object))
