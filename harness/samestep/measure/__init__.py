"""How fast, honestly? Isolated in processes, interleaved in rounds, every sample kept."""
