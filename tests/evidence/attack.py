"""An attack on the command line as data: what is prepared, what is typed, and what must come of it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.evidence.survival_runs import Process, Slot, bench, runs, verdicts
from tests.made.rungs import GOOD, command, root

#: A command that takes longer than this hangs.
LIMIT_SECONDS = 90.0
#: How standard output is kept: the shell's line in which "$@" is the command.
KEPT = 'exec "$@" >"$OUT"'


@dataclass(frozen=True)
class Ground:
    """Where an attack takes place: its own folder, in which ``run`` is a copy of a complete run of the
    workload in ``impls``. What must not run would make the file ``canary``."""

    folder: Path
    impls: Path

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def canary(self) -> Path:
        return self.folder / "canary"


def nothing(ground: Ground) -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Attack:
    """One attack. It is contained where the command ends in time with one of ``codes``; says ``says``; shows
    no traceback and at most one line of its own where it fails; and leaves no process, no temporary folder
    and no canary behind.

    ``arguments`` may hold {impls}, {run}, {folder} and {canary}; ``prepare`` changes the ground; ``shell``
    starts the command ("$@"), in which $OUT is the file that keeps its output. Of the ``verdicts`` of a run
    each must be what is said here of its implementation, one of several where there is a choice.
    """

    kind: str
    name: str
    arguments: Sequence[str]
    codes: Sequence[int] = (2,)
    says: str = ""
    prepare: Callable[[Ground], None] = nothing
    shell: str = KEPT
    variables: Mapping[str, str] = field(default_factory=dict)
    verdicts: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def expected(self) -> str:
        """What must come of it, in words."""
        words = [f"exit {' or '.join(map(str, self.codes))}"]
        words += [f"says {self.says!r}"] * bool(self.says)
        words += [f"{name}: {' or '.join(some)}" for name, some in self.verdicts.items()]
        return "; ".join(words)


@dataclass(frozen=True)
class Outcome:
    """What came of an attack; ``wrong`` is what is not as expected, "" where it was contained."""

    kind: str
    name: str
    expected: str
    code: int | str
    seconds: float
    wrong: str


def complete_run(slot: Slot, impls: Path) -> Path:
    """Return the folder of a run that nothing disturbs, to be copied; ``impls`` is made."""
    root(impls, {"numpy_good": GOOD})
    folder = slot.new()
    process = Process(slot, folder, bench(impls, folder / "out"))
    code = process.wait(LIMIT_SECONDS)
    assert code == 0, process.errors.read_text()
    (run,) = runs(folder / "out")
    return run


def made(attack: Attack, slot: Slot, impls: Path, run: Path) -> Outcome:
    """Return what comes of an attack."""
    ground = Ground(slot.new(), impls)
    shutil.copytree(run, ground.run)
    attack.prepare(ground)
    names = {"impls": impls, "run": ground.run, "folder": ground.folder, "canary": ground.canary}
    typed = command(*(argument.format(**names) for argument in attack.arguments))
    output = ground.folder / "output"
    own = {name: value.format(**names) for name, value in attack.variables.items()}
    began = time.monotonic()
    process = Process(
        slot,
        ground.folder,
        ["bash", "-c", attack.shell, "bash", *typed],
        variables={"OUT": str(output), **own},
    )
    try:
        code: int | str = process.wait(LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.send(9)
        process.wait()
        code = "hung"
    seconds = time.monotonic() - began
    told = process.errors.read_text(encoding="utf-8", errors="replace")
    shown = output.read_text(encoding="utf-8", errors="replace") if output.exists() else ""
    found = verdicts(next(iter(runs(ground.folder / "out")))) if attack.verdicts and code in (0, 1) else {}
    complaints = {
        f"exit {code}": code not in attack.codes,
        f"did not say {attack.says!r}: {told[-200:]!r}": attack.says not in told + shown,
        "a traceback": "Traceback" in told + shown,
        "samestep itself failed": "itself failed" in told + shown,
        f"{len(process.messages)} lines": code == 2 and len(process.messages) > 1,
        "raw escapes": "\x1b" in told + shown,
        "the canary ran": ground.canary.exists(),
        "left behind": process.orphans(),
        **{
            f"{name}: {found.get(name)}": found.get(name) not in some
            for name, some in attack.verdicts.items()
        },
    }
    wrong = "; ".join(what for what, is_so in complaints.items() if is_so)
    return Outcome(attack.kind, attack.name, attack.expected, code, seconds, wrong)
