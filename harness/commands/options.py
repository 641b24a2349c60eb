"""The options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]


def selection(command: Command) -> Command:
    """The options that every command with a selection has."""
    decorators = [
        click.argument("selectors", nargs=-1, metavar="[SELECTOR]..."),
        click.option("--device", "devices", multiple=True, type=click.Choice(["cpu", "gpu"]),
                     help="Where to compute (default: cpu); may be given twice."),
        click.option("--dtype", "dtypes", multiple=True, type=click.Choice(["float32", "float64"]),
                     help="In which precision; may be given twice."),
        click.option("--threads", type=click.IntRange(1), help="Threads (default: all; check: 1)."),
        click.option("--matmul", type=click.Choice(["float32", "tf32"]), default="float32", show_default=True,
                     help="Precision of float32 matrix products on a GPU."),
        click.option("--python", "pythons", multiple=True, metavar="FRAMEWORK=PATH",
                     help="Interpreter to run a framework's workers with."),
        click.option("--require", multiple=True, metavar="FRAMEWORK",
                     help="Fail where this framework is missing."),
        click.option("--impls", "roots", multiple=True, type=click.Path(path_type=Path), metavar="DIR",
                     help="A further folder of workloads and rungs."),
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
                     help="Seed of all inputs and of the order of turns."),
        click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output."),
    ]  # fmt: skip
    for decorator in reversed(decorators):
        command = decorator(command)
    return command


def measured(command: Command) -> Command:
    """The options of commands that write a run."""
    decorators = [
        click.option("--profile", type=click.Choice(["quick", "full"]), default="quick", show_default=True,
                     help="How much to measure."),
        click.option("--invocations", type=click.IntRange(1), help="Fresh processes for each cell."),
        click.option("--width", type=click.FloatRange(0, min_open=True), metavar="PART",
                     help="Go on until every ratio's 95 % interval is this narrow (0.02: 2 %)."),
        click.option("--budget", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
                     help="Go on until so many seconds are used."),
        click.option("--sweep", metavar="SIZE=FROM:TO",
                     help="Each case at these sizes, 4 times as large each (or FROM:TO:FACTOR, or 1,8,64)."),
        click.option("--shard", metavar="I/N", help="Only the I-th of N parts of the selection."),
        click.option("--out", type=click.Path(path_type=Path), default=Path("results"), show_default=True,
                     help="Where runs are kept."),
    ]  # fmt: skip
    for decorator in reversed(decorators):
        command = decorator(command)
    return command
