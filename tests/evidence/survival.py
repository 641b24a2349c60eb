"""What is left of a run when its rungs, its process or its disk fail: the real command line, again and again.

    python -m tests.evidence.survival [--kills 50] [--interrupts 20]

A small made-up workload is measured with NumPy. Each try has a folder of its own and goes on with
`samestep run --resume` until the run is complete; then its records are held against those of a run with the
same seed that nobody disturbed. Writes results/measuring/survival.csv and .md.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from textwrap import indent
from typing import Any

import psutil

from samestep.errors import NotWritten
from samestep.jobs.bench import PROFILES
from samestep.workers.process import processors
from tests.evidence.lanes import MEASURING, Row, machine
from tests.made.rungs import CHECKOUT, GOOD, command, doing, root, running, wait_until

FIELDS = ("kind", "moment", "before", "after", "lost", "repeated", "orphans", "code", "ok", "note")
TASKS, ROUNDS, INVOCATIONS = 3, PROFILES["quick"].rounds, 2  # of the made-up workload; as asked for here
ENDS_WITHIN = 3.0  # seconds from a kill until no process of the run is left
STARTED = 1.0  # by then Python has come to samestep's own code
PATIENCE = 12.0
INTERRUPTED = "samestep: interrupted; what was recorded is kept"
MARK = "SAMESTEP_SURVIVAL"

#: A hang inside C that holds the interpreter's lock, deaf to SIGTERM, with a child that is as deaf.
HANG = (
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "subprocess.Popen([sys.executable, '-c', 'import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(3600)'])\n"
    "while True: ctypes.PyDLL(None).pause()"
)
TOO_MUCH = (
    "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 32, 1 << 32))\nnp.ones(1 << 33, 'uint8')"
)

#: name of the rung -> (what it is, what its training step does, its verdict)
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
        "state, loss = honest(state, x, y, learning_rate)\nreturn {'w': state['w'][None]}, loss", "invalid",
    ),
}  # fmt: skip
#: when rungs fail -> what the records hold by then
STAGES = {"check": b"", "start": b'"kind": "start"', "turn": b'"round": 2'}


@dataclass
class Lane:
    """One processor, with a folder to try in."""

    folder: Path
    processor: int
    whole: Whole | None = None
    count: itertools.count[int] = field(default_factory=itertools.count)

    def new(self) -> Path:
        """An empty folder for one try."""
        folder = self.folder / f"{next(self.count):03}"
        folder.mkdir(parents=True)
        return folder


@dataclass(frozen=True)
class Whole:
    """What an undisturbed run left."""

    seconds: float
    size: int
    order: list[tuple[Any, ...]]
    verdicts: dict[str, str]
    code: int


class Process:
    """The command line as leader of its own process group, as in a terminal; every descendant is marked."""

    def __init__(
        self, lane: Lane, folder: Path, asked: Sequence[str], limit: int | None = None, mark: str = ""
    ) -> None:
        self.mark = mark or f"{folder}-{time.monotonic_ns()}"
        self.errors = folder / f"stderr-{time.monotonic_ns()}"
        how = running()
        at_start: Callable[[], None] = how["preexec_fn"]  # type: ignore[assignment]

        def prepare() -> None:
            at_start()
            os.sched_setaffinity(0, [lane.processor])
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

        self.temporary = folder / f"tmp-{time.monotonic_ns()}"
        self.temporary.mkdir()
        own = {
            MARK: self.mark,
            "TMPDIR": str(self.temporary),
            "SAMESTEP_CACHE": str(lane.folder / "cache"),
        }
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                asked, cwd=CHECKOUT, env={**how["env"], **own}, stdin=subprocess.DEVNULL,  # type: ignore[dict-item]
                stdout=subprocess.DEVNULL, stderr=errors, preexec_fn=prepare, start_new_session=True,
            )  # fmt: skip

    def wait(self, seconds: float = 300) -> int:
        return self.process.wait(seconds)

    def send(self, number: int) -> None:
        """To the whole group, as a terminal does it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    @property
    def said(self) -> list[str]:
        """The lines of standard error that are no progress bar."""
        lines = self.errors.read_text(encoding="utf-8").splitlines()
        return [
            line
            for line in lines
            if line.startswith(("samestep", "Traceback", "Exception", "Aborted", "Error"))
        ]

    def orphans(self, seconds: float = ENDS_WITHIN) -> int:
        """How many processes and temporary folders of the run are left after so long; the processes are ended
        here, so that none piles up."""
        wait_until(lambda: not self._alive() and not self._folders(), seconds)
        left = self._alive()
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        return len(left) + len(self._folders())

    def _folders(self) -> list[Path]:
        return list(self.temporary.glob("samestep-*"))

    def _alive(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found


# -- what a run left ---------------------------------------------------------------------------------------


def runs(out: Path) -> list[Path]:
    return sorted(path.parent for path in out.glob("*/*/run.json"))


def content(run: Path) -> bytes:
    """The whole lines of the records; what a kill tore off is not among them."""
    text = (run / "samples.jsonl").read_bytes() if (run / "samples.jsonl").exists() else b""
    return text[: text.rfind(b"\n") + 1]


def identities(text: bytes, kinds: Sequence[str] = ("sample",)) -> list[tuple[Any, ...]]:
    """What each record was taken of, in order; a sample that was disturbed is taken again."""
    records = map(json.loads, text.splitlines())
    names = ("kind", "arena", "cell", "invocation", "round", "task")
    return [
        tuple(r.get(name) for name in names) for r in records if r["kind"] in kinds and not r.get("repeated")
    ]


def verdicts(run: Path) -> dict[str, str]:
    with (run / "report.csv").open(encoding="utf-8") as file:
        return {row["implementation"]: row["verdict"] for row in csv.DictReader(file)}


def bench(impls: Path, out: Path, *more: object) -> list[str]:
    return command("bench", "rigged", "--impls", impls, "--out", out, "--threads", 1,
                   "--invocations", INVOCATIONS, *more)  # fmt: skip


def resume(run: Path) -> list[str]:
    return command("run", "--resume", run)


def gone_on(lane: Lane, folder: Path, row: Row, before: bytes, run: Path) -> Row:
    """Resume until done, and hold what is there now against what was there and what should be."""
    assert lane.whole is not None
    process = Process(lane, folder, resume(run))
    code = process.wait()
    after = content(run)
    was, now = before.splitlines(), after.splitlines()
    row |= {
        "before": len(was),
        "after": len(now),
        "lost": sum(a != b for a, b in itertools.zip_longest(was, now[: len(was)])),
    }
    taken = identities(after, ("sample", "peak", "finished"))
    row["repeated"] = sum(count - 1 for count in Counter(taken).values())
    row["orphans"] += process.orphans()
    complaints = {
        "records lost": row["lost"],
        "repeated": row["repeated"],
        "left behind": row["orphans"],
        f"resume ended with {code}: {process.said[-1:]}": code != lane.whole.code,
        "not the same samples in the same order": identities(after) != lane.whole.order,
        "not the same verdicts": code == lane.whole.code and verdicts(run) != lane.whole.verdicts,
        "the last line is torn": (run / "samples.jsonl").read_bytes() != after,
    }
    return judged(row, complaints)


def judged(row: Row, complaints: dict[str, object]) -> Row:
    """``complaints`` says what may be wrong -> whether it is."""
    wrong = [what for what, is_so in complaints.items() if is_so]
    note = "; ".join(filter(None, [row.get("note", ""), *wrong]))
    return {**dict.fromkeys(FIELDS, ""), **row, "ok": row.get("ok", True) and not wrong, "note": note}


# -- the tries ---------------------------------------------------------------------------------------------


def undisturbed(lane: Lane, impls: Path) -> Whole:
    """Twice: the first fills what later ones find on disk."""
    for _ in range(2):
        folder = lane.new()
        began = time.monotonic()
        code = Process(lane, folder, bench(impls, folder / "out")).wait()
        seconds = time.monotonic() - began
    (run,) = runs(folder / "out")
    assert Process(lane, folder, resume(run)).wait() == code  # nothing is left to do but the report
    text = content(run)
    return Whole(seconds, len(text), identities(text), verdicts(run), code)


def stopped(lane: Lane, impls: Path, number: int, moments: Sequence[float]) -> Row:
    """A signal at one moment, given as a share of the undisturbed run; at further ones, resume meets it too."""
    assert lane.whole is not None
    folder, interrupt = lane.new(), number == signal.SIGINT
    row: Row = {"kind": "interrupt" if interrupt else "kill", "orphans": 0, "lost": 0, "note": ""}
    asked, times, complaints = bench(impls, folder / "out"), [], {}
    before, known = b"", b""
    for share in moments:
        times.append(share * lane.whole.seconds)
        process = Process(lane, folder, asked)
        time.sleep(times[-1])
        process.send(number)
        row["code"] = process.wait(30)
        row["orphans"] += process.orphans()
        begun = runs(folder / "out")
        if begun and len(identities(content(begun[0]), ("finished",))) == INVOCATIONS and not process.said:
            row["note"] = "all was measured"
        elif interrupt and times[-1] < STARTED and INTERRUPTED not in process.said:
            row["note"] = "while Python itself started"  # then Ctrl-C ends it as it ends any Python
            complaints[f"code {row['code']}"] = row["code"] not in (1, -signal.SIGINT)
        elif interrupt:
            complaints[f"code {row['code']}"] = row["code"] != 3
            complaints[f"it said {process.said}"] = process.said != [INTERRUPTED]
        if not begun:
            row["note"] = "; ".join(filter(None, ["no run yet", row["note"]]))
            break
        before = content(begun[0])
        complaints["a resume that was stopped lost records"] = not before.startswith(known)
        known, asked = before, resume(begun[0])
    row["moment"] = "+".join(f"{seconds:.2f}" for seconds in times)
    row = judged(row, complaints)
    if not runs(folder / "out"):
        return judged({**row, "before": 0}, {"left behind": row["orphans"]})
    return gone_on(lane, folder, row, before, runs(folder / "out")[0])


def full(lane: Lane, impls: Path, share: float) -> Row:
    """No file may grow beyond a limit: what it refuses, a full disk refuses."""
    assert lane.whole is not None
    folder, limit = lane.new(), int(share * lane.whole.size)
    process = Process(lane, folder, bench(impls, folder / "out"), limit)
    code = process.wait()
    row: Row = {"kind": "full disk", "moment": f"{limit} bytes", "code": code, "orphans": process.orphans()}
    begun = runs(folder / "out")
    if not begun:  # not even what was asked could be written
        said = f"cannot be written: File too large: {process.said}"
        return judged({**row, "note": "no run yet"}, {said: len(process.said) != 1 or code != 2})
    torn = (begun[0] / "samples.jsonl").read_bytes() != content(begun[0])
    line = f"samestep: {begun[0] / 'samples.jsonl'} cannot be written: File too large; the records before are kept"
    row["note"] = "the last line was torn" if torn else ""
    row = judged(row, {
        f"code {code}": code != NotWritten.exit_code, f"it said {process.said}": process.said != [line],
    })  # fmt: skip
    return gone_on(lane, folder, row, content(begun[0]), begun[0])


def side_by_side(lane: Lane, impls: Path, count: int) -> Row:
    """Runs that start at once with the same --out, each with a seed of its own."""
    assert lane.whole is not None
    folder = lane.new()
    processes = [Process(lane, folder, bench(impls, folder / "out", "--seed", seed)) for seed in range(count)]
    codes = {process.wait() for process in processes}
    found = runs(folder / "out")
    seeds = {json.loads((run / "run.json").read_text())["options"]["seed"] for run in found}
    foreign = sum(json.loads(line)["run"] != run.name for run in found for line in content(run).splitlines())
    whole = [run for run in found if sorted(identities(content(run))) == sorted(lane.whole.order)]
    row: Row = {
        "kind": f"{count} runs at once", "after": sum(len(content(run).splitlines()) for run in found), "lost": 0,
        "repeated": 0, "code": "/".join(map(str, codes)), "orphans": sum(p.orphans() for p in processes),
    }  # fmt: skip
    return judged(row, {
        f"codes {codes}": codes != {lane.whole.code}, f"{len(found)} folders": len(found) != count,
        f"seeds {seeds}": len(seeds) != count, f"{foreign} records of another run": foreign,
        f"{count - len(whole)} incomplete": len(whole) != count, "left behind": row["orphans"],
    })  # fmt: skip


def resumed_alive(lane: Lane, impls: Path, share: float) -> Row:
    """A resume of a run that is still going on: it must refuse, and the run must end as if alone."""
    assert lane.whole is not None
    folder = lane.new()
    first = Process(lane, folder, bench(impls, folder / "out"))
    wait_until(lambda: any(b'"sample"' in content(run) for run in runs(folder / "out")))
    later = share * lane.whole.seconds / 2
    time.sleep(later)
    (run,) = runs(folder / "out")
    second = Process(lane, folder, resume(run))
    codes = second.wait(), first.wait()
    row: Row = {
        "kind": "resume of a live run",
        "moment": f"first sample+{later:.2f}",
        "code": f"{codes[0]}/{codes[1]}",
        "orphans": first.orphans(),
    }
    row["note"] = " ".join(second.said[-1:]).replace(str(run), "RUN")
    row = judged(
        row, {"it was not refused": codes[0] != 2, "the first one failed": codes[1] != lane.whole.code}
    )
    return gone_on(lane, folder, row, content(run), run)


# -- rungs that fail ---------------------------------------------------------------------------------------


def patient(asked: Sequence[str]) -> list[str]:
    """The same command line, which gives a silent worker up after `PATIENCE` and not after ten minutes."""
    start = (
        "import functools, samestep.workers.launcher as runner; from samestep.commands.main import main; "
        f"runner.Workshop = functools.partial(runner.Workshop, patience={PATIENCE}); main()"
    )
    return [asked[0], "-c", start, *asked[3:]]


def contained(lane: Lane, stage: str) -> Iterator[Row]:
    """All failures in one run, between cells that are good."""
    folder = lane.new()
    flag = folder / "fail now"
    rungs = {
        name: doing(f"if os.path.exists({str(flag)!r}):\n" + indent(deed, "    "))
        for name, (_, deed, _) in FAILURES.items()
    }
    good = ("numpy_a", "numpy_n", "numpy_z")
    impls = root(folder / "impls", {**rungs, **dict.fromkeys(good, GOOD), "ghost_manual": GOOD})
    (impls / "frameworks").mkdir()
    (impls / "frameworks" / "ghost.py").write_text('DISTRIBUTIONS = ("ghost-net",)\n', encoding="utf-8")
    if stage == "check":
        flag.touch()
    process = Process(lane, folder, patient(bench(impls, folder / "out")))
    while process.process.poll() is None and not flag.exists():
        if any(STAGES[stage] in content(run) for run in runs(folder / "out")):
            flag.touch()
        time.sleep(0.02)
    code, orphans = process.wait(), process.orphans()
    (run,) = runs(folder / "out")
    Process(lane, folder, command("report", run)).wait()
    found = verdicts(run)
    samples = Counter(one[2].split("/")[1] for one in identities(content(run)) if "/again" not in one[2])
    everything = INVOCATIONS * ROUNDS * TASKS
    short = [
        name for name in ("numpy_manual", *good) if samples[name] != everything or found[name] != "agree"
    ]
    ghost = {"ghost_manual": ("framework that is not installed", "", "unavailable")}
    for name, (what, _, verdict) in {**FAILURES, **ghost}.items():
        if stage != "check" and name == "numpy_shape":  # the next call in a row meets it first
            verdict = "crashed"
        after_all = stage == "turn" or name == "numpy_nan"  # that is seen after the last round
        row: Row = {
            "kind": f"rung: {what}", "moment": stage, "code": code, "orphans": orphans, "after": samples[name],
            "note": found[name],
        }  # fmt: skip
        yield judged(row, {
            f"not {verdict}": found[name] != verdict, f"incomplete: {short}": short, "left behind": orphans,
            "it was timed": samples[name] and (stage == "check" or not after_all), f"code {code}": code != 1, f"said {process.said}": process.said[:-1],
        })  # fmt: skip


# -- a disk that is really full ----------------------------------------------------------------------------


def really_full(lane: Lane, impls: Path, kilobytes: int) -> Row | None:
    """A file system of so many KB, where we may mount one; None where we may not."""
    assert lane.whole is not None
    folder = lane.new()
    disk, kept = folder / "disk", folder / "kept"
    for path in (disk, kept):
        path.mkdir()
    script = (
        f"mount -t tmpfs -o size={kilobytes}k tmpfs {disk} || exit 99\n"
        'eval "$FIRST"; code=$?\n'
        f"mkdir {kept}/before && cp -r {disk}/* {kept}/before\n"
        f"mount -o remount,size=64m {disk} || exit 98\n"
        f'run=$(echo {disk}/*/*)\n{" ".join(command("run", "--resume"))} "$run" 2>>{kept}/resumed\n'
        f"echo $code $? >{kept}/codes\ncp -r {disk}/* {kept}"
    )
    first = " ".join(bench(impls, disk))
    with environ(FIRST=first):
        process = Process(lane, folder, ["unshare", "-rm", "sh", "-c", script])
    if process.wait() in (1, 98, 99) and not (kept / "codes").exists():
        return None
    code, resumed = map(int, (kept / "codes").read_text().split())
    (run,), (was,) = runs(kept), runs(kept / "before")
    before, after = content(was), content(run)
    row: Row = {
        "kind": "full disk, mounted", "moment": f"{kilobytes} KB", "code": code, "orphans": process.orphans(),
        "before": len(before.splitlines()), "after": len(after.splitlines()), "lost": int(not after.startswith(before)),
        "repeated": sum(count - 1 for count in Counter(identities(after, ("sample", "peak", "finished"))).values()),
    }  # fmt: skip
    full_line = "No space left on device; the records before are kept"
    return judged(row, {
        f"code {code}": code != NotWritten.exit_code,
        f"it said {process.said}": len(process.said) != 1 or full_line not in process.said[0],
        f"resume ended with {resumed}": resumed != lane.whole.code, "repeated": row["repeated"],
        "not the same samples in the same order": identities(after) != lane.whole.order,
        "records lost": row["lost"], "left behind": row["orphans"],
    })  # fmt: skip


@contextmanager
def environ(**variables: str) -> Iterator[None]:
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]


# -- all of it ---------------------------------------------------------------------------------------------


def tries(impls: Path, kills: int, interrupts: int, disks: int) -> Iterator[Callable[[Lane], list[Row]]]:
    rng = random.Random(20)
    for stage in STAGES:
        yield lambda lane, stage=stage: list(contained(lane, stage))  # type: ignore[misc]
    for count in (2, 2, 4):
        yield lambda lane, count=count: [side_by_side(lane, impls, count)]  # type: ignore[misc]
    for number, count in ((signal.SIGKILL, kills), (signal.SIGINT, interrupts)):
        for one in range(count):  # of every fifth the resume is stopped as well
            moments = [rng.uniform(0, 1) for _ in range(2 if one % 5 == 4 else 1)]
            yield lambda lane, number=number, moments=moments: [stopped(lane, impls, number, moments)]  # type: ignore[misc]
    for _ in range(disks):
        share = rng.uniform(0, 1)
        yield lambda lane, share=share: [full(lane, impls, share)]  # type: ignore[misc]
    for share in [rng.uniform(0, 1) for _ in range(3)][: max(1, disks // 3)]:
        yield lambda lane, share=share: [resumed_alive(lane, impls, share)]  # type: ignore[misc]
    for kilobytes in (16, 28)[: max(1, disks // 3)]:
        yield lambda lane, kilobytes=kilobytes: list(filter(None, [really_full(lane, impls, kilobytes)]))  # type: ignore[misc]


def campaign(folder: Path, kills: int, interrupts: int, disks: int) -> tuple[list[Row], float]:
    """Every try, two at a time on each processor; the rows in the order of the tries."""
    wrong = doing("learning_rate = 1.001 * learning_rate")
    impls = root(folder / "impls", {"numpy_good": GOOD, "numpy_wrong": wrong})
    free: SimpleQueue[Lane] = SimpleQueue()
    lanes = [Lane(folder / f"lane-{n}", one) for n, (one,) in enumerate(2 * processors(1))]
    with ThreadPoolExecutor(len(lanes)) as pool:
        for lane, whole in zip(lanes, pool.map(lambda lane: undisturbed(lane, impls), lanes), strict=True):
            lane.whole = whole
            free.put(lane)
        lock = threading.Lock()

        def run(one: Callable[[Lane], list[Row]]) -> list[Row]:
            lane = free.get()
            try:
                rows = one(lane)
            finally:
                free.put(lane)
            with lock:
                for row in rows:
                    print(row, file=sys.stderr, flush=True)
            return rows

        found = list(pool.map(run, tries(impls, kills, interrupts, disks)))
    seconds = sum(lane.whole.seconds for lane in lanes if lane.whole) / len(lanes)
    return [row for rows in found for row in rows], seconds


def write(rows: list[Row], seconds: float, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with (out / "survival.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, FIELDS, lineterminator="\n")
        table.writeheader()
        table.writerows({**row, "ok": "yes" if row["ok"] else "no"} for row in rows)
    rungs = [row for row in rows if row["kind"].startswith("rung: ")]
    others = [row for row in rows if row not in rungs]

    def total(mine: list[Row], name: str) -> int:
        return sum(row[name] or 0 for row in mine)

    lines = [
        "# What survives", "",
        f"{len(rows)} tries of the real command line on {machine()}. Made by `python -m tests.evidence.survival`; one row for each "
        "try in the CSV file beside this page.", "",
        f"**{sum(row['ok'] for row in rows)} of {len(rows)} were contained.**", "",
        "## A run that is stopped, and goes on with `samestep run --resume`", "",
        f"Undisturbed it takes {seconds:.1f} s here (three NumPy rungs, one of them wrong; {INVOCATIONS} invocations of {ROUNDS} rounds). "
        "The moments are drawn evenly over this time, from a fixed seed; of every fifth try the resume is stopped as well. Contained: the "
        "whole lines from before stand unchanged at the head of the file, no sample, peak or end of an invocation is there twice, the samples "
        f"are those of the undisturbed run in its order, the verdicts and the exit code too, and {ENDS_WITHIN:.0f} s later no process of the run is left, and no temporary folder.", "",
        "| what | tries | before a run was begun | records before | after resume | lost | repeated | left behind | exit codes | contained |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for kind in dict.fromkeys(row["kind"] for row in others):
        mine = [row for row in others if row["kind"] == kind]
        codes = Counter(str(row["code"]) for row in mine)
        early = sum("no run yet" in row["note"] for row in mine)
        sums = " | ".join(
            f"{total(mine, name):,}" for name in ("before", "after", "lost", "repeated", "orphans")
        )
        told = ", ".join(f"{code} ({count})" for code, count in sorted(codes.items()))
        lines.append(
            f"| {kind} | {len(mine)} | {early} | {sums} | {told} | {sum(r['ok'] for r in mine)} of {len(mine)} |"
        )
    lines += [
        "", "A negative exit code is the signal that ended the process. A full disk is a limit on the size of a file (`RLIMIT_FSIZE`) somewhere below",
        "what the records need (exit code 2 where not even `run.json` could be written, so that no run was begun); `mounted` is a small file system of",
        "its own, where mounting is allowed. An interrupt within Python's own start, before samestep's code runs, ends it with 1 or -2.", "",
        "## Rungs that fail between rungs that are good", "",
        "Nine failures and a missing framework in one run, among four good rungs: when they are examined, when their worker starts, and",
        f"in the middle of the rounds. Contained: each has its verdict, each good rung has all its {INVOCATIONS * ROUNDS * TASKS} samples and agrees, the run exits 1, and",
        f"nothing is left behind. A hung worker is given up after {PATIENCE:.0f} s here (600 s otherwise; there is no option for it). What a rung",
        "computes is looked at before anything is timed and once more after its last round: there a NaN that begins in between is seen.", "",
        "| failure | in the check | at the start | in a turn | left behind |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for kind in dict.fromkeys(row["kind"] for row in rungs):
        mine = {row["moment"]: row for row in rungs if row["kind"] == kind}
        told = " | ".join(mine[stage]["note"] if stage in mine else "" for stage in STAGES)
        lines.append(f"| {kind.removeprefix('rung: ')} | {told} | {total(list(mine.values()), 'orphans')} |")
    missed = [row for row in rows if not row["ok"]]
    lines += ["", *(f"- not contained: {row['kind']} at {row['moment']}: {row['note']}" for row in missed)]
    (out / "survival.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--interrupts", type=int, default=20)
    parser.add_argument("--disks", type=int, default=8)
    parser.add_argument("--out", type=Path, default=MEASURING)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows, seconds = campaign(Path(folder), asked.kills, asked.interrupts, asked.disks)
    write(rows, seconds, asked.out)
    sys.exit(0 if all(row["ok"] for row in rows) else 1)


if __name__ == "__main__":
    main()
