"""The shape of population activity: dimensions, maps, paths, alignment, tuning.

One file per kind of question; what is public is exported by :mod:`spikecast.analysis`.
"""
