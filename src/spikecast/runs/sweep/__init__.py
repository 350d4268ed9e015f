"""Settings searched on inner folds, scored on outer folds: ``spikecast sweep``.

``plan.py`` says what is searched on which trials, ``journal.py`` keeps the studies in a file that
several processes share, ``running.py`` works through them, ``results.py`` says what came out.
"""
