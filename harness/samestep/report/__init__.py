"""Records -> tables. Everything here is derived from a run's records and can be made again."""
