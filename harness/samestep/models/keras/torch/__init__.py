"""A Keras model on PyTorch, for `samestep.models.torch`."""
