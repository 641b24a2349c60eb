"""What the commands of evidence on ports are asked on the command line."""

from __future__ import annotations

import argparse


def parser(description: str | None, seeds: int) -> argparse.ArgumentParser:
    """Return a parser of ``--seeds`` (how many without it: ``seeds``), ``--processes`` and ``--only``."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--seeds", type=int, default=seeds)
    made.add_argument("--processes", type=int, default=2)
    made.add_argument("--only", default="", help="a part of the names to run; nothing is written then")
    return made
