"""Workloads, implementations and cases, found and selected by name."""
