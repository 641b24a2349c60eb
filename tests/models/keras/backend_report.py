"""Runs every small model on the backend of this process, as it is and by the engine: BACKEND FILE.npz."""

from __future__ import annotations

import sys

import keras
import numpy as np

from samestep.agreement.arithmetic.program import Nudge
from samestep.models.keras import recognise
from samestep.models.question import Question, Steps
from tests.models.keras.small_models import CASES, made

REPLICAS = 24


def sigmas(program, exact):
    """The deviation of each tensor, floored at a quarter of its rms, and of what has none: zero."""
    squares = dict.fromkeys(exact, 0.0)
    for seed in range(REPLICAS):
        for key, value in program.replica(seed).items():
            squares[key] = squares[key] + np.square(value - exact[key]) / REPLICAS
    return {key: np.maximum(np.sqrt(x), np.sqrt(np.mean(x)) / 4) for key, x in squares.items()}


def report(case, native, program, arrays):
    exact = program.exact()
    assert set(exact) == set(native), (case, set(exact) ^ set(native))
    deviations = sigmas(program, exact)
    moved = [program.exact(Nudge(literal=literal)) for literal in program.literals]
    for key, got in native.items():
        name = f"{case}|{key}"
        owed = sum((np.abs(other[key] - exact[key]) for other in moved), np.zeros(got.shape))
        arrays |= {f"got|{name}": got, f"exact|{name}": exact[key], f"sigma|{name}": deviations[key]}
        arrays[f"owed|{name}"] = owed


def main(path):
    arrays = {}
    for case, (_, inputs, targets) in CASES.items():
        subject = recognise(made(case))
        question = Question((inputs,), loss="cross_entropy", targets=targets)
        report(case, subject.run(question), subject.program(question), arrays)
        arrays[f"layers|{case}"] = np.array([f"{layer.kind} {layer.name}" for layer in subject.layers()])
    params = subject.parameters()
    rng = np.random.default_rng(0)
    step = {name: rng.standard_normal(params[name].shape).astype(np.float32) for name in sorted(params)}
    steps = Steps((params, params), (step, step))
    for optimizer in (keras.optimizers.AdamW(0.003),):
        native, program = subject.run_steps(optimizer, steps), subject.steps_program(optimizer, steps)
        report(optimizer.name, native, program, arrays)
    np.savez(path, **arrays)


if __name__ == "__main__":
    main(sys.argv[1])
