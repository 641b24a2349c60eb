"""The fingerprint and how it was measured, as pairs of a name and a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.report import tables, words
from harness.report.records import Legible
from harness.summary import CellSummary, peaks

#: Characters of a value that are shown.
LONGEST = 300


def fingerprint(run: Legible) -> list[tuple[str, str]]:
    """What the run says of its machine, its options and the versions that its workers read, flat and sorted
    within each part."""
    about = run.about
    parts = {name: about.get(name) for name in ("machine", "options", "profile", "environment")}
    found = [(".".join(path), value) for path, value in _flat(parts, ())]
    return [("run", run.folder.name), *found, *(("version", told) for told in tables.versions(run))]


def _flat(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, (*path, str(name)))
    elif value not in (None, [], ""):
        yield path, str(value)[:LONGEST]


def headline(run: Legible) -> str:
    """The machine in one line."""
    machine, options = run.about["machine"], run.about["options"]
    gpus = [str(gpu.get("name")) for gpu in machine.get("gpus") or [] if isinstance(gpu, Mapping)]
    memory = machine.get("memory_bytes")
    parts = [
        machine["cpu"], f"{machine['processors']} processors", f"{options['threads']} threads",
        *([f"{memory / 1e9:.0f} GB"] if isinstance(memory, int) else []), *gpus, machine["os"],
        f"Python {machine['python']}",
    ]  # fmt: skip
    return ", ".join(str(part)[:LONGEST] for part in parts)


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
        ("samples that count", f"{samples:,}, of which {disturbed - repeated:,} were disturbed"),
        ("samples that were disturbed, taken again, and do not count", f"{repeated:,}"),
    ]
    if noise:
        told.append(("the same code under two names", f"ratios from {noise[0]:.3f} to {noise[-1]:.3f}"))
    fit = {(one.cell["baseline"], name): task.fit for one in summaries for name, task in one.tasks.items()}
    unfit = f"{list(fit.values()).count(False)} of {len(fit)}"
    told.append(("tasks unfit for comparison (more than 2 % between the same code)", unfit))
    return told + [
        (f"peak in {dtype} on the {device}", words.flop_rate(rate))
        for (dtype, device), rate in peaks(summaries).items()
    ]
