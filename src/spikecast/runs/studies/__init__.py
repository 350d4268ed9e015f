"""The published studies by name: as reported, as described, and sound.

``NAME.yaml`` is a study's method section; ``NAME.py`` is the protocol it describes, flaws included,
composed from the package's parts. The sound protocol is an ordinary config in the YAML. To add a
study, write these two files and its name in ``catalog.py``: ``study.py`` says what the code gives,
``sound_runs.py`` reads numbers of the sound runs.

``study_data.py`` finds the recording, ``step_cache.py`` keeps what takes long, ``run.py`` makes the
study's directory.
"""
