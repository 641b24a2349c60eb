"""Processes: started with their environment, asked over a pipe, and gone when they should be."""
