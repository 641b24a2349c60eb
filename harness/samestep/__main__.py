"""``python -m samestep``: the same as ``samestep``."""

from samestep.cli import main

main()
