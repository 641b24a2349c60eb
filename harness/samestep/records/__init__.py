"""A run on disk: what was asked, on what machine, and every record of what came of it."""
