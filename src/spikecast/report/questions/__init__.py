"""What a run's page says of each question."""
