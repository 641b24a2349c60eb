"""How the rungs compare with plain scripts: what anyone would write by hand, without a harness.

    python -m tests.bench.reach [two_layer] [mnist] [--invocations 3] [--rounds 8] [--out results]

Every script and every rung lives in a process of its own; one sample is a whole training run of the
tutorial (500 steps) or an epoch on the sample of MNIST; the processes take turns in shuffled order. A
plain script of MNIST gets images that were normalised beforehand, a rung normalises inside its epoch.
Printed: each one's time over the first plain script's, and each rung's over its own plain script's,
with 95 % intervals (samestep.analysis.statistics). The same table goes to <out>/<machine>/reach-*.md.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from samestep.analysis.statistics import contrasts, paired
from samestep.catalog.catalog import Catalog
from samestep.data import load
from samestep.measure.clock import timed
from samestep.measure.machine import fingerprint, slug
from samestep.workers.process import environment, processors
from tests.made.places import CHECKOUT

#: Plain script -> the rungs that are to be as fast. The first script is what all others are compared with.
PAIRS = {
    "two_layer": {
        "two_layer_numpy_tutorial": ("numpy_manual",),
        "two_layer_numpy_buffers": ("numpy_inplace",),
        "two_layer_torch_manual": ("torch_manual",),
        "two_layer_torch_autograd": ("torch_autograd", "torch_compile"),
        "two_layer_jax_jit": ("jax_grad",),
        "two_layer_jax_scan": ("jax_scan", "jax_layout"),
        "two_layer_tensorflow_graph": ("tensorflow_graph", "tensorflow_function", "tensorflow_xla"),
    },
    "mnist": {
        "mnist_torch_dataloader": ("torch_dataloader",),
        "mnist_torch": ("torch_manual", "torch_compile"),
        "mnist_numpy": ("numpy_inplace",),
        "mnist_jax_scan": ("jax_scan",),
        "mnist_tensorflow_function": ("tensorflow_function", "tensorflow_xla"),
        "mnist_tensorflow_graph": ("tensorflow_graph",),
        "mnist_sklearn": ("sklearn_mlp",),
        "mnist_keras": ("keras_fit",),
    },
}
CASES = {"two_layer": ("two_layer", "tutorial", "train"), "mnist": ("mnist_mlp", "sample", "train_epoch")}


def inputs(arena):
    catalog = Catalog()
    workload, name, _ = CASES[arena]
    spec = catalog.spec(workload)
    case = spec.cases[name]
    dataset = load(case.dataset) if case.dataset else None
    return catalog, spec, case, spec.make_inputs(case, np.random.default_rng(0), dataset)


def plain(arena, name):
    """A plain script: its own types, its own loop."""
    _, _, case, values = inputs(arena)
    script = importlib.import_module(f"tests.bench.plain.{name}")
    return script.prepare(dict(values.params), dict(values.arrays), dict(case.numbers)), lambda: None


def rung(arena, name):
    """A rung, as the harness times it: from a fresh state, by its longest training task."""
    from samestep.agreement.examination.candidate import Candidate
    from samestep.frameworks import Settings
    from samestep.measure.timed_tasks import Subject

    catalog, spec, case, values = inputs(arena)
    found = catalog.implementation(CASES[arena][0], name)
    settings = Settings(threads=int(os.environ["OMP_NUM_THREADS"]))
    adapter = catalog.load_adapter(found.framework).Adapter(settings)
    subject = Subject(Candidate(catalog.load(found), adapter, settings, spec, case, values))
    call = None

    def again():
        nonlocal call
        call = subject.call(CASES[arena][2])

    again()
    return lambda: adapter.wait(call()), again


def serve(arena, kind, name):
    """One contestant: a line in, the seconds of one run out."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    run, again = {"plain": plain, "rung": rung}[kind](arena, name)
    run()  # compiles and warms up
    for _ in sys.stdin:
        again()
        print(timed(run, lambda _: None)[0], file=answers, flush=True)


def start(stack, arena, kind, name, threads):
    command = [sys.executable, "-m", "tests.bench.reach", "--serve", arena, kind, name]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, **environment("cpu", threads)},
        preexec_fn=lambda: os.sched_setaffinity(0, processors(threads)[0]),
    )  # fmt: skip
    stack.callback(process.kill)
    return process


def turn(process):
    process.stdin.write("go\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def measure(arena, invocations, rounds, threads):
    """Seconds of each contestant, by (invocation, round)."""
    names = [("plain", script) for script in PAIRS[arena]]
    names += [("rung", name) for rungs in PAIRS[arena].values() for name in rungs]
    seconds = {name: {} for name in names}
    for invocation in range(invocations):
        with ExitStack() as stack:
            alive = {name: start(stack, arena, *name, threads) for name in names}
            for process in alive.values():  # one after another: compiling wants the processors
                turn(process)
            for number in range(rounds):
                order = list(names)
                random.Random(f"{invocation}/{number}").shuffle(order)
                for name in order:
                    seconds[name][invocation, number] = turn(alive[name])
                print(f"{arena}: invocation {invocation + 1}, round {number + 1}", file=sys.stderr)
    return seconds


def table(arena, seconds):
    """One line for each contestant; a rung also over its own plain script. Each column is one family."""
    first = ("plain", next(iter(PAIRS[arena])))
    others = {name: paired(times, seconds[first]) for name, times in seconds.items() if name != first}
    over_first = contrasts(others)
    own = {("rung", name): ("plain", script) for script, rungs in PAIRS[arena].items() for name in rungs}
    over_own = contrasts({name: paired(seconds[name], seconds[script]) for name, script in own.items()})
    lines = [f"| {arena} | over {first[1]} | over its plain script |", "|---|--:|--:|"]
    for script, rungs in PAIRS[arena].items():
        key = ("plain", script)
        lines.append(f"| plain {script} | {'1' if key == first else shown(over_first[key])} | |")
        for name in rungs:
            key = ("rung", name)
            lines.append(f"| rung {name} | {shown(over_first[key])} | {shown(over_own[key])} |")
    return "\n".join(lines)


def shown(found):
    return f"{found.value:.3f} ({found.low:.3f}-{found.high:.3f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("arenas", nargs="*", default=list(PAIRS), metavar="ARENA", help=", ".join(PAIRS))
    parser.add_argument("--invocations", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--out", type=Path, default=CHECKOUT / "results")
    asked = parser.parse_args()
    machine = fingerprint()
    for arena in asked.arenas:
        seconds = measure(arena, asked.invocations, asked.rounds, asked.threads)
        text = table(arena, seconds)
        print(text)
        folder = asked.out / slug(machine)
        folder.mkdir(parents=True, exist_ok=True)
        about = (
            f"{machine['cpu']}, {asked.threads} threads, float32 (the tutorial's script: float64), revision "
            f"{machine['revision']}; {asked.invocations} invocations of {asked.rounds} rounds."
        )
        (folder / f"reach-{arena}.md").write_text(f"{about}\n\n{text}\n", encoding="utf-8")
        raw = [[*name, *key, value] for name, times in seconds.items() for key, value in times.items()]
        columns = ["kind", "name", "invocation", "round", "seconds"]
        record = {"machine": machine, "columns": columns, "samples": raw}
        (folder / f"reach-{arena}.json").write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
    else:
        main()
