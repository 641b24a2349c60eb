"""Implementations that fail in every way, between others that are correct."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from textwrap import indent

from tests.evidence.survival_runs import (
    INVOCATIONS,
    ROUNDS,
    TASKS,
    Process,
    Slot,
    Try,
    bench,
    content,
    identities,
    runs,
    verdicts,
)
from tests.made.rungs import GOOD, command, doing, root

#: Seconds after which a silent worker is given up here.
PATIENCE = 12.0

#: A hang inside C that holds the interpreter's lock, deaf to SIGTERM, with a child that is as deaf.
HANG = (
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "subprocess.Popen([sys.executable, '-c', 'import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(3600)'])\n"
    "while True: ctypes.PyDLL(None).pause()"
)
TOO_MUCH = (
    "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 32, 1 << 32))\nnp.ones(1 << 33, 'uint8')"
)

#: Name of the implementation -> (what it is, what its training step does, its verdict).
FAILURES = {
    "numpy_raises": ("exception", "raise ValueError('broken')", "crashed"),
    "numpy_exits": ("exit", "os._exit(7)", "crashed"),
    "numpy_segfaults": ("segmentation fault in C", "ctypes.string_at(0)", "crashed"),
    "numpy_hangs": ("hang in C, deaf to SIGTERM, with a child", HANG, "timeout"),
    "numpy_fills": ("more memory than RLIMIT_AS", TOO_MUCH, "out_of_memory"),
    "numpy_killed": ("SIGKILL, as the kernel sends it", "os.kill(os.getpid(), signal.SIGKILL)", "out_of_memory"),
    "numpy_lacks": ("missing package", "import nowhere_to_be_found", "unavailable"),
    "numpy_nan": ("NaN in the output", "learning_rate = float('nan')", "invalid"),
    "numpy_shape": (
        "wrong shape",
        "state, loss = correct(state, x, y, learning_rate)\nreturn {'w': state['w'][None]}, loss", "invalid",
    ),
}  # fmt: skip
#: When they fail -> what the records hold by then.
STAGES = {"check": b"", "start": b'"kind": "start"', "turn": b'"round": 2'}

#: Correct implementations, which must not be affected.
CORRECT = ("numpy_a", "numpy_n", "numpy_z")


def patient(arguments: Sequence[str]) -> list[str]:
    """Return the same command line, which gives up a silent worker after `PATIENCE` seconds."""
    start = (
        "from dataclasses import replace; from samestep.commands import bench, main; launcher_of = bench.launcher_of; "
        f"bench.launcher_of = lambda plan: replace(launcher_of(plan), patience={PATIENCE}); main.main()"
    )
    return [arguments[0], "-c", start, *arguments[3:]]


def contained(slot: Slot, stage: str) -> Iterator[Try]:
    """Measure all failures in one run, between correct implementations; return a try for each."""
    folder = slot.new()
    flag = folder / "fail now"
    rungs = {
        name: doing(f"if os.path.exists({str(flag)!r}):\n" + indent(deed, "    "))
        for name, (_, deed, _) in FAILURES.items()
    }
    impls = root(folder / "impls", {**rungs, **dict.fromkeys(CORRECT, GOOD), "ghost_manual": GOOD})
    (impls / "frameworks").mkdir()
    (impls / "frameworks" / "ghost.py").write_text('DISTRIBUTIONS = ("ghost-net",)\n', encoding="utf-8")
    if stage == "check":
        flag.touch()
    process = Process(slot, folder, patient(bench(impls, folder / "out")))
    while process.process.poll() is None and not flag.exists():
        if any(STAGES[stage] in content(run) for run in runs(folder / "out")):
            flag.touch()
        time.sleep(0.02)
    code, orphans = process.wait(), process.orphans()
    (run,) = runs(folder / "out")
    Process(slot, folder, command("report", run)).wait()
    samples = Counter(
        str(cell).split("/")[1] for _, _, cell, *_ in identities(content(run)) if "/again" not in str(cell)
    )
    ended = Try("", stage, code=code, orphans=orphans)
    yield from judge(ended, process.messages, verdicts(run), samples)


def judge(
    ended: Try, messages: Sequence[str], found: Mapping[str, str], samples: Mapping[str, int]
) -> Iterator[Try]:
    """Return a try for each failure.

    ``ended`` says at which stage they failed and how the run ended; the verdicts ``found`` and the counts of
    ``samples`` are by implementation.
    """
    code, orphans, stage = ended.code, ended.orphans, ended.moment
    short = [
        name
        for name in ("numpy_manual", *CORRECT)
        if samples[name] != INVOCATIONS * ROUNDS * TASKS or found[name] != "agree"
    ]
    ghost = {"ghost_manual": ("framework that is not installed", "", "unavailable")}
    for name, (what, _, verdict) in {**FAILURES, **ghost}.items():
        if stage != "check" and name == "numpy_shape":  # the next call in a row meets it first
            verdict = "crashed"
        later = stage == "turn" or name == "numpy_nan"  # that is detected after the last round
        one = replace(ended, kind=f"rung: {what}", after=samples[name], note=found[name])
        yield one.checked({
            f"not {verdict}": found[name] != verdict, f"incomplete: {short}": short, "left behind": orphans,
            "it was timed": samples[name] and (stage == "check" or not later), f"code {code}": code != 1,
            f"said {messages}": messages[:-1],
        })  # fmt: skip
