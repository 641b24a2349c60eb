"""``python -m samestep``: the same as ``samestep``."""

from samestep.commands.main import main

main()
