"""What the JAX engine is tried on: layers, functions and optimisers of public libraries, each small."""
