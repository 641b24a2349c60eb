"""What is done: cells are examined, timed in rounds, and their records kept."""
