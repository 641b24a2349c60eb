"""Every fault in every framework's path on many seeds: does samestep detect it, and do the usual checks?

    python -m tests.evidence.fault_matrix [--seeds 20] [--few 5] [--workload two_layer] [--every 2]

Each fault is planted in a copy of an implementation and examined in float32 and, where that agrees, in float64: that
is what `samestep check` does. Writes results/agreement/faults-<workload>.csv and .md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from samestep.agreement.verdict import AGREE
from samestep.codec import decode
from tests.evidence.fault_outcomes import (
    CASES,
    DTYPES,
    FIRST_SEED,
    FRAMEWORKS,
    PROCESSES,
    Outcome,
    Planting,
    Share,
    outcomes,
)
from tests.evidence.fault_tables import write
from tests.evidence.parallel import print_row, run_shares
from tests.evidence.results import AGREEMENT


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", help=argparse.SUPPRESS)
    parser.add_argument("--seeds", type=int, default=20, help="for NumPy and PyTorch")
    parser.add_argument("--few", type=int, default=5, help="for JAX and TensorFlow")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every N-th fault")
    parser.add_argument("--workload", choices=list(CASES), action="append")
    parser.add_argument("--framework", choices=FRAMEWORKS, action="append")
    parser.add_argument("--out", type=Path, default=AGREEMENT)
    options = parser.parse_args()
    if options.share:
        for row in outcomes(decode(Share, json.loads(options.share))):
            print_row(row)
        return
    for workload in options.workload or CASES:
        found: list[Outcome] = []
        with tempfile.TemporaryDirectory() as spreads:  # all frameworks have the same
            for framework in options.framework or FRAMEWORKS:
                count = options.seeds if framework in ("numpy", "torch") else options.few
                seeds = tuple(range(FIRST_SEED, FIRST_SEED + count))
                share = Share(workload, framework, DTYPES[0], seeds, options.every)
                found += examine_paths(share, Path(spreads))
                write(workload, found, options.every, options.out)


def examine_paths(share: Share, spreads: Path) -> list[Outcome]:
    """Return the outcomes of a framework's paths: in float32, and in float64 of what that missed."""
    found: list[Outcome] = []
    missed: Sequence[Planting] | None = None
    for dtype in DTYPES:
        came: list[Outcome] = []
        shares = [replace(share, dtype=dtype, missed=missed, first=n) for n in range(PROCESSES)]
        run_shares(__file__, shares, Outcome, came.append, spreads)
        if missed is None:
            missed = [one.planting for one in came if one.verdict == AGREE]
        found += came
        print(f"{share.workload} {share.framework} {dtype}: {len(came)} rows", file=sys.stderr, flush=True)
    return found


if __name__ == "__main__":
    main()
