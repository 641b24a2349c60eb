"""The PyTorch engine: an untouched float32 model, interpreted in float64 on shadows of its storages."""
