"""What a config asks of a recording beside predictions, and where the answers are kept.

``questions.py`` is the written form, ``asking.py`` checks it and makes single questions of it,
``answering.py`` calls the analyses, ``store.py`` keeps the answers in the run directory.
"""
