"""The published studies by name: as reported, as described, and sound.

``NAME.yaml`` is a study's method section, ``NAME.py`` the protocol it describes, flaws included,
composed from the package's parts; the sound protocol is an ordinary config in the YAML.
``preset.py`` reads the one, ``material.py`` finds data for it, ``running.py`` makes a directory.
"""
