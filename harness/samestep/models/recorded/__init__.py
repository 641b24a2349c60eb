"""A reference that answers from a file: what was measured where its framework is, told where it is not."""
