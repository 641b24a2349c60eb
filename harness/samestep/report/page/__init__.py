"""One page of one or more runs: HTML that holds everything that it shows, and opens offline."""

from samestep.report.page.render import MISSING, available, render, write

__all__ = ["MISSING", "available", "render", "write"]
