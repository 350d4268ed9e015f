"""What every other folder may use: errors, checks, seeds, files, the base of configs."""
