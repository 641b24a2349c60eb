"""samestep: the same network, the same step, in every framework. Checked, then timed."""

__version__ = "0.1.0"
