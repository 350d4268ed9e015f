"""What two areas share, and which one leads.

Kinds of question: :mod:`granger` (which area's past predicts the other), :mod:`lagged_cca` (when
they covary), :mod:`subspace` (in how many dimensions), :mod:`pairwise` (many pairs at once).
What is public is exported by :mod:`spikecast.analysis`.
"""
