"""Implementations that are not as fast as they seem, and correct ones that look like them; each a small rung.

`WORKLOAD` is what they are rungs of: one matrix, large enough for a call to take longer than to note
something down. `HOW` is what each does and what a run says of it; of `CORRECT` ones it says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.made.rungs import SPEC, root

#: A call that does less than it should can be found out by that alone.
IMPOSSIBLE = "times the flop/s of this machine's"

#: What a run says of each cheat; of some one of two things, as what else the machine does lets it see.
HOW = {
    "early_stopping": "not all steps are made",
    "every_second_step": "not all steps are made",
    "lazy_array": "must be the framework's own array",
    "lazy_gradients": "the gradients are Gradients, expected a dict of arrays",
    "lazy_pair": "the gradients are NoneType, expected a dict of arrays",
    "memo_by_content": f"it remembers results|{IMPOSSIBLE}",
    "memo_by_identity": f"it remembers results|{IMPOSSIBLE}",
    "memo_from_the_fourth": f"it remembers results|{IMPOSSIBLE}",
    "counts_calls": "loss_and_grads",
    "inspects_the_stack": f"has other bits than of the same calls when examined|{IMPOSSIBLE}",
    "half_precision_when_timed": "has other bits than of the same calls when examined",
    "patched_clock": "replaced time.perf_counter in its process",
    "patched_sleep": "replaced time.sleep in its process",
    "patched_measure": "its main thread worked|replaced samestep.measure.clock.perf_counter",
    "patched_method": "replaced samestep.measure.turns.Turns.take",
    "patched_judge": "train_step",
    "patched_numpy": "loss",
    "works_in_a_thread": "loss_and_grads",
    "works_between_samples": f"between its turns|{IMPOSSIBLE}",
    "child_that_spins": f"between its turns|{IMPOSSIBLE}",
    "more_processors": "the processors of the process",
}

#: Those that keep the machine busy, for whoever runs beside them.
BUSY = ("works_between_samples", "child_that_spins")

#: Correct implementations that do what cheats do, where it is no cheat.
CORRECT = ("caches_within_a_call", "compiles_lazily", "keeps_a_pool", "is_fast")

WORKLOAD = (
    SPEC.replace("rng.standard_normal((4, 3))", "rng.standard_normal((100, 50))")
    .replace("rng.standard_normal((5, 4))", "rng.standard_normal((200, 100))")
    .replace("rng.standard_normal((5, 3))", "rng.standard_normal((200, 50))")
    .replace('"learning_rate": 1e-3, "steps": 4', '"learning_rate": 1e-4, "steps": 20')
    .replace("lambda case: 240.0", "lambda case: 4e6")
    .replace("240.0 *", "4e6 *")
)


def folder_of(folder: Path, names: Sequence[str]) -> Path:
    """Return a folder for ``--impls`` with these as NumPy rungs of the workload ``rigged``."""
    here = Path(__file__).parent
    rungs = {f"numpy_{name}": (here / f"{name}.py").read_text(encoding="utf-8") for name in names}
    return root(folder, {"spec": WORKLOAD, **rungs})
