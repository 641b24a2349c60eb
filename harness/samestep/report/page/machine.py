"""The fingerprint and how it was measured, as pairs of a name and a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from samestep.analysis.summary import CellSummary, peaks
from samestep.records.validated import Legible
from samestep.report import formatting, tables

#: Of ``run.json``.
PARTS = ("machine", "options", "profile", "environment", "inherited")
#: Characters of a value that are shown.
LONGEST = 300
#: Tasks that are named where many are meant.
TASKS = 8


def fingerprint(run: Legible) -> list[tuple[str, str]]:
    """What the run says of its machine, its options and the versions that its workers read, flat and sorted
    within each part."""
    about = run.about
    parts = {name: about.get(name) for name in PARTS}
    found = [(" ".join(path).replace("_", " "), value) for path, value in _flat(parts, ())]
    return [("run", run.folder.name), *found, *(("version", told) for told in tables.versions(run))]


def _flat(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, (*path, str(name)))
    elif value not in (None, [], ""):
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        yield path, text[:LONGEST]


def headline(run: Legible) -> str:
    """The machine in one line."""
    machine, options = run.about["machine"], run.about["options"]
    gpus = [str(gpu.get("name")) for gpu in machine.get("gpus") or [] if isinstance(gpu, Mapping)]
    memory = machine.get("memory_bytes")
    parts = [
        machine["cpu"], f"{machine['processors']} processors", f"{options['threads']} threads",
        *([f"{memory / 1e9:.0f} GB"] if isinstance(memory, int) else []), *gpus, machine["os"],
        f"Python {machine['python']}", tables.extent(run.about),
    ]  # fmt: skip
    return ", ".join(str(part)[:LONGEST] for part in parts)


def calm(summaries: Sequence[CellSummary]) -> tuple[str, str] | None:
    """Whether the machine was calm, in a word, and how far the same code under two names was apart; None
    where there was no second name."""
    known = {
        (task, one.cell["baseline"]): one
        for one in summaries
        for task, timed in one.tasks.items()
        if timed.noise is not None
    }
    if not known:
        return None
    unfit = [
        f"{one.cell['workload']}:{one.cell['case']} {task}"
        for (task, _), one in known.items()
        if not one.tasks[task].fit
    ]
    if not unfit:
        return "Yes.", f"In all {len(known)} tasks the same code under two names was within 2 % of itself."
    named = ", ".join(unfit[:TASKS]) + (f" and {len(unfit) - TASKS} more" if len(unfit) > TASKS else "")
    return (
        "Not all the time." if len(unfit) < len(known) else "No.",
        f"In {len(unfit)} of {len(known)} tasks the same code under two names was more than 2 % apart, so "
        f"that no finer difference can be trusted there: {named}.",
    )


def method(run: Legible, summaries: Sequence[CellSummary]) -> list[tuple[str, str]]:
    """What was counted, and how far the intervals can be trusted."""
    profile = run.about["profile"]
    timed = [task for one in summaries for task in one.tasks.values()]
    samples = sum(task.seconds.samples for task in timed)
    disturbed, repeated = (sum(getattr(task, name) for task in timed) for name in ("disturbed", "repeated"))
    noise = sorted(task.noise for task in timed if task.noise is not None)
    told = [
        ("processes of each implementation", str(profile["invocations"])),
        ("rounds in each process, in shuffled order", str(profile["rounds"])),
        (
            "samples that count, the baseline's second name aside",
            f"{samples:,}, of which {disturbed - repeated:,} were disturbed",
        ),
        ("samples that were disturbed, taken again, and do not count", f"{repeated:,}"),
    ]
    if noise:
        told.append(("the same code under two names", f"ratios from {noise[0]:.3f} to {noise[-1]:.3f}"))
    fit = {(one.cell["baseline"], name): task.fit for one in summaries for name, task in one.tasks.items()}
    unfit = f"{list(fit.values()).count(False)} of {len(fit)}"
    told.append(("tasks unfit for fine comparisons (more than 2 % between the same code)", unfit))
    return told + [
        (f"peak in {dtype} on the {device}", formatting.flop_rate(rate))
        for (dtype, device), rate in peaks(summaries).items()
    ]
