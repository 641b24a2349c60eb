"""What there is: workloads, implementations and cases, found and selected by name."""
