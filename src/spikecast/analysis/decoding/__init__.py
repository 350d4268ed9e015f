"""Labels of trials, decoded: from whole trials, over time, across times.

Kinds of question: :mod:`decode`, :mod:`over_time`, :mod:`generalization`. They share a label
(:mod:`labels`), what it is decoded from (:mod:`sources`), its null (:mod:`nulls`) and its folds
(:mod:`problem`). What is public is exported by :mod:`spikecast.analysis`.
"""
