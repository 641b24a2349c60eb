"""A candidate under examination: stage by stage, against the reference."""
