"""What predicts what: tasks, the problems they make of a recording, splits of trials."""
