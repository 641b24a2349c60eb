"""How fast? Every sample is timed in an isolated process, and kept."""
