"""What activity encodes, when, in which direction it flows, and in how many dimensions.

Each answer comes with its null, its interval and its protocol.
"""
