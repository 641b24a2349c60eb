"""A port file: one Python file with a reference and its candidates, to be checked and timed."""
