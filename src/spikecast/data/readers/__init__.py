"""One file per format: a path -> a Recording."""
