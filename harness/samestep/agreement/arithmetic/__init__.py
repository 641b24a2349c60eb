"""Array types that a NumPy reference runs on unchanged, so that its rounding can be followed."""
