"""A Keras model on JAX, for `samestep.models.jax`."""
