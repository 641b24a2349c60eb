"""How the implementations compare with plain scripts: what anyone would write by hand, without a harness.

    python -m tests.bench.reach [two_layer] [mnist] [recurrent] [--invocations 3] [--rounds 8] [--out results]

Every script and every implementation runs in a process of its own; one sample is a whole training run of the
tutorial (500 steps), an epoch on the sample of MNIST, or some steps of the other networks; the processes take
turns in shuffled order. A plain script of MNIST gets images that were normalised beforehand, an
implementation normalises inside its epoch.
Printed: the ratio of each one's time to the first plain script's, and of each implementation's to its own
plain script's, with 95 % intervals (samestep.analysis.statistics). The same table goes to
<out>/<machine>/reach-*.md, the samples to reach-*.json.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from samestep.analysis.statistics import Contrast, contrasts, paired
from samestep.api import open_cell
from samestep.catalog.catalog import Catalog
from samestep.catalog.inputs import draw_inputs
from samestep.codec import encode
from samestep.measure.clock import nothing, timed
from samestep.measure.fingerprint import fingerprint, slug
from samestep.measure.timed_tasks import TimedCandidate, TimedTasks
from samestep.records.plan import Machine
from samestep.workers.environment import environment, processor_sets
from tests.made.places import CHECKOUT

#: Plain script -> the implementations that are to be as fast. All others are compared with the first script.
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
    "conv_net": {
        "conv_net_torch": ("torch_nn", "torch_compile"),
        "conv_net_jax": ("jax_grad",),
        "conv_net_tensorflow": ("tensorflow_function", "tensorflow_graph", "tensorflow_xla"),
        "conv_net_keras": ("keras_layers",),
        "conv_net_numpy": ("numpy_manual",),
    },
    "recurrent": {
        "recurrent_numpy": ("numpy_manual",),
        "recurrent_torch": ("torch_nn", "torch_compile"),
        "recurrent_jax": ("jax_scan", "jax_grad"),
        "recurrent_tensorflow": ("tensorflow_function", "tensorflow_graph"),
        "recurrent_keras": ("keras_layers",),
    },
    "transformer_block": {
        "transformer_block_torch": ("torch_sdpa", "torch_nn", "torch_compile"),
        "transformer_block_numpy": ("numpy_manual",),
        "transformer_block_jax": ("jax_grad", "jax_attention"),
        "transformer_block_tensorflow": ("tensorflow_function", "tensorflow_xla"),
        "transformer_block_keras": ("keras_layers",),
    },
}
#: The workload, its case, the task, and how many calls are one sample: a step of a few milliseconds alone
#: would tell how threads wake up.
CASES = {
    "two_layer": ("two_layer", "tutorial", "train", 1),
    "mnist": ("mnist_mlp", "sample", "train_epoch", 1),
    "conv_net": ("conv_net", "sample", "train_step", 10),
    "recurrent": ("recurrent", "lstm", "train_step", 50),
    "transformer_block": ("transformer_block", "erf", "train_step", 10),
}

#: A plain script or an implementation: ("plain" or "rung", its name).
Program = tuple[str, str]
#: Seconds of one program, by invocation and round.
Seconds = dict[tuple[int, int], float]
#: One call of the task, and what makes everything ready for the next one, outside the clock.
Runs = tuple[Callable[[], object], Callable[[], None]]


def plain(group: str, name: str) -> Runs:
    """Return the runs of a plain script: its own types, its own loop."""
    workload, case, _, _ = CASES[group]
    spec = Catalog().spec(workload)
    inputs = draw_inputs(spec, spec.case(case), seed=0)
    script = importlib.import_module(f"tests.bench.plain.{name}")
    run = script.prepare(dict(inputs.params), dict(inputs.arrays), dict(spec.case(case).numbers))
    return run, lambda: None


def rung(group: str, name: str) -> Runs:
    """Return the runs of an implementation as samestep times it: from a fresh state, by its longest task."""
    workload, case, task, _ = CASES[group]
    threads = int(os.environ["OMP_NUM_THREADS"])
    tasks = TimedTasks(open_cell(f"{workload}:{case}/{name}", threads=threads, kind=TimedCandidate))
    call = tasks.call(task)

    def again() -> None:
        nonlocal call
        call = tasks.call(task)

    return lambda: tasks.wait(call()), again


def serve(group: str, kind: str, name: str) -> None:
    """Be one program: for each line on standard input run once, and print the seconds."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    run, again = {"plain": plain, "rung": rung}[kind](group, name)
    run()  # compiles and warms up
    *_, calls = CASES[group]
    for _ in sys.stdin:
        again()
        print(timed(run, nothing, calls)[0], file=answers, flush=True)


@dataclass(frozen=True)
class Served:
    """A program in a process of its own."""

    process: subprocess.Popen[str]

    @classmethod
    def start(cls, stack: ExitStack, group: str, program: Program, threads: int) -> Served:
        """Start a program; it ends with the stack."""
        command = [sys.executable, "-m", "tests.bench.reach", "--serve", group, *program]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, **environment("cpu", threads)},
            preexec_fn=lambda: os.sched_setaffinity(0, processor_sets(threads)[0]),
        )  # fmt: skip
        stack.callback(process.kill)
        return cls(process)

    def turn(self) -> float:
        """Have it run once, and return the seconds."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def measure(group: str, invocations: int, rounds: int, threads: int) -> dict[Program, Seconds]:
    """Return the seconds of each program."""
    programs = [("plain", script) for script in PAIRS[group]]
    programs += [("rung", name) for rungs in PAIRS[group].values() for name in rungs]
    seconds: dict[Program, Seconds] = {program: {} for program in programs}
    for invocation in range(invocations):
        with ExitStack() as stack:
            alive = {program: Served.start(stack, group, program, threads) for program in programs}
            for served in alive.values():  # one after another: compiling wants the processors
                served.turn()
            for number in range(rounds):
                order = list(programs)
                random.Random(f"{invocation}/{number}").shuffle(order)
                for program in order:
                    seconds[program][invocation, number] = alive[program].turn()
                print(f"{group}: invocation {invocation + 1}, round {number + 1}", file=sys.stderr)
    return seconds


def table(group: str, seconds: dict[Program, Seconds]) -> str:
    """Return a line for each program, with its ratios; those of a column are one family."""
    first = ("plain", next(iter(PAIRS[group])))
    others = {name: paired(times, seconds[first]) for name, times in seconds.items() if name != first}
    over_first = contrasts(others)
    own = {("rung", name): ("plain", script) for script, rungs in PAIRS[group].items() for name in rungs}
    over_own = contrasts({name: paired(seconds[name], seconds[script]) for name, script in own.items()})
    lines = [f"| {group} | over {first[1]} | over its plain script |", "|---|--:|--:|"]
    for script, rungs in PAIRS[group].items():
        key = ("plain", script)
        lines.append(f"| plain {script} | {'1' if key == first else shown(over_first[key])} | |")
        for name in rungs:
            key = ("rung", name)
            lines.append(f"| rung {name} | {shown(over_first[key])} | {shown(over_own[key])} |")
    return "\n".join(lines)


def shown(ratio: Contrast) -> str:
    """Return a ratio with its 95 % interval."""
    return f"{ratio.value:.3f} ({ratio.low:.3f}-{ratio.high:.3f})"


def write(group: str, seconds: dict[Program, Seconds], machine: Machine, about: str, folder: Path) -> None:
    """Write the table and the samples of a group."""
    folder.mkdir(parents=True, exist_ok=True)
    text = table(group, seconds)
    print(text)
    (folder / f"reach-{group}.md").write_text(f"{about}\n\n{text}\n", encoding="utf-8")
    samples = [[*name, *key, value] for name, times in seconds.items() for key, value in times.items()]
    columns = ["kind", "name", "invocation", "round", "seconds"]
    record = {"machine": encode(machine), "columns": columns, "samples": samples}
    (folder / f"reach-{group}.json").write_text(json.dumps(record) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("groups", nargs="*", default=list(PAIRS), metavar="GROUP", help=", ".join(PAIRS))
    parser.add_argument("--invocations", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--out", type=Path, default=CHECKOUT / "results")
    options = parser.parse_args()
    machine = fingerprint()
    about = (
        f"{machine.cpu}, {options.threads} threads, float32 (the tutorial's script: float64), revision "
        f"{machine.revision}; {options.invocations} invocations of {options.rounds} rounds."
    )
    for group in options.groups:
        seconds = measure(group, options.invocations, options.rounds, options.threads)
        write(group, seconds, machine, about, options.out / slug(machine))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(*sys.argv[2:])
    else:
        main()
