"""A PyTorch module or function as reference and candidate."""
