"""A user's model as reference and candidate."""
