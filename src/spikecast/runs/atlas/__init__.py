"""Every area from every other, in every session: planned, fitted job by job, put into one table.

:func:`spikecast.runs.atlas.atlas.atlas` is the public function; ``run.py`` makes the directory.
"""
