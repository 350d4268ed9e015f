"""Settings searched on inner folds, scored on outer folds.

``plan.py`` lays out what is searched on which trials, ``journal.py`` keeps the searches in a file
that several processes share, ``run.py`` works through them, ``results.py`` writes what they give.
"""
