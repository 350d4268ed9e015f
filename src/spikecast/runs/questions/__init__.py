"""What a config asks of a recording beside predictions: one file per kind of question.

Each file holds the block of the config, how it expands into single questions, and how these are
answered; ``catalog.py`` lists them, ``store.py`` keeps the answers in the run directory.
"""
