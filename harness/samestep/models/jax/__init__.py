"""A JAX function, a Flax (Linen or NNX) or Equinox model as reference and candidate."""
