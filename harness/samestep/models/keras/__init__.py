"""A Keras model on any backend, and raw TensorFlow, as candidate and reference."""
