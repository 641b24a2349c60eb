"""The JAX engine: a jaxpr, traced at the user's own dtypes, interpreted in float64 by NumPy."""
