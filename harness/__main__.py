"""``python -m harness``: the same as ``samestep``."""

from harness.cli import main

main()
