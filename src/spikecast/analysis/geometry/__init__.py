"""The shape of population activity: dimensions, maps, paths, alignment, tuning."""
