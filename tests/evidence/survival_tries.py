"""Tries to disturb a run: it is killed, interrupted, refused by the disk, or begun beside others."""

from __future__ import annotations

import itertools
import json
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from samestep.errors import NotWritten
from tests.evidence.survival_runs import (
    INVOCATIONS,
    ONCE,
    Process,
    Slot,
    Try,
    bench,
    content,
    identities,
    resume,
    runs,
    verdicts,
)
from tests.made.rungs import command, wait_until

STARTED = 1.0  # seconds by which Python has come to samestep's own code
INTERRUPTED = "samestep: interrupted; what was recorded is kept"


def resumed(slot: Slot, folder: Path, one: Try, before: bytes, run: Path) -> Try:
    """Resume a run until it is complete, and compare its records with those before and with a full run's."""
    process = Process(slot, folder, resume(run))
    code = process.wait()
    after = content(run)
    was, now = before.splitlines(), after.splitlines()
    one = replace(
        one, before=len(was), after=len(now),
        lost=sum(a != b for a, b in itertools.zip_longest(was, now[: len(was)])),
        repeated=repetitions(after), orphans=(one.orphans or 0) + process.orphans(),
    )  # fmt: skip
    return one.checked({
        "records lost": one.lost,
        "repeated": one.repeated,
        "left behind": one.orphans,
        f"resume ended with {code}: {process.messages[-1:]}": code != slot.full_run.code,
        "not the same samples in the same order": identities(after) != slot.full_run.order,
        "not the same verdicts": code == slot.full_run.code and verdicts(run) != slot.full_run.verdicts,
        "the last line is torn": (run / "samples.jsonl").read_bytes() != after,
    })  # fmt: skip


def repetitions(text: bytes) -> int:
    """Return how many records were taken once more than they should be."""
    return sum(count - 1 for count in Counter(identities(text, ONCE)).values())


def stopped(slot: Slot, impls: Path, number: int, moments: Sequence[float]) -> Try:
    """Send a signal at one moment, a share of the undisturbed run; at further ones the resumed run gets it too."""
    folder, interrupt = slot.new(), number == signal.SIGINT
    one = Try("interrupt" if interrupt else "kill", lost=0, orphans=0)
    arguments, times, before = bench(impls, folder / "out"), [], b""
    for share in moments:
        times.append(share * slot.full_run.seconds)
        process = Process(slot, folder, arguments)
        time.sleep(times[-1])
        process.send(number)
        code = process.wait(30)
        one = replace(one, code=code, orphans=(one.orphans or 0) + process.orphans())
        begun = runs(folder / "out")
        if (
            begun
            and len(identities(content(begun[0]), ("finished",))) == INVOCATIONS
            and not process.messages
        ):
            one = replace(one, note="all was measured")
        elif interrupt:
            one = interrupted(one, code, process.messages, runs(folder / "out"), impls, times[-1])
        if not begun:
            one = replace(one, note="; ".join(filter(None, ["no run yet", one.note])))
            break
        after = content(begun[0])
        one = one.checked({"a resume that was stopped lost records": not after.startswith(before)})
        before, arguments = after, resume(begun[0])
    one = replace(one, moment="+".join(f"{seconds:.2f}" for seconds in times))
    if not runs(folder / "out"):
        return replace(one, before=0).checked({"left behind": one.orphans})
    return resumed(slot, folder, one, before, runs(folder / "out")[0])


def unfinished(run: Path, impls: Path) -> str:
    """Return what is said of a run that ends early: how to go on with it."""
    return f"samestep: this run is unfinished; to go on with it: samestep run --resume {run} --impls {impls}"


def interrupted(
    one: Try, code: int, messages: list[str], begun: Sequence[Path], impls: Path, seconds: float
) -> Try:
    """Return the try with what is wrong with how an interrupted process ended: before the first sample it may
    say nothing of the run."""
    if seconds < STARTED and INTERRUPTED not in messages:  # then Ctrl-C ends it as it ends any Python
        one = replace(one, note="while Python itself started")
        return one.checked({f"code {code}": code not in (1, -signal.SIGINT)})
    right = ([INTERRUPTED], *([unfinished(run, impls), INTERRUPTED] for run in begun))
    return one.checked({f"code {code}": code != 3, f"it said {messages}": messages not in right})


def full_disk(slot: Slot, impls: Path, share: float) -> Try:
    """Let no file grow beyond a share of what the records need: what that refuses, a full disk refuses."""
    folder, limit = slot.new(), int(share * slot.full_run.size)
    process = Process(slot, folder, bench(impls, folder / "out"), limit)
    code, messages = process.wait(), process.messages
    one = Try("full disk", f"{limit} bytes", code=code, orphans=process.orphans())
    begun = runs(folder / "out")
    if not begun:  # not even what was asked could be written
        wrong = len(messages) != 1 or code != 2
        return replace(one, note="no run yet").checked(
            {f"cannot be written: File too large: {messages}": wrong}
        )
    if not messages and len(identities(content(begun[0]), ("finished",))) == INVOCATIONS:
        one = replace(one, note="all was measured: the records took less than the limit")
        return resumed(slot, folder, one, content(begun[0]), begun[0])
    torn = (begun[0] / "samples.jsonl").read_bytes() != content(begun[0])
    line = f"samestep: {begun[0] / 'samples.jsonl'} cannot be written: File too large; the records before are kept"
    one = replace(one, note="the last line was torn" if torn else "").checked({
        f"code {code}": code != NotWritten.exit_code, f"it said {messages}": messages != [unfinished(begun[0], impls), line],
    })  # fmt: skip
    return resumed(slot, folder, one, content(begun[0]), begun[0])


def side_by_side(slot: Slot, impls: Path, count: int) -> Try:
    """Start N runs at once with the same --out, each with a seed of its own."""
    folder = slot.new()
    processes = [Process(slot, folder, bench(impls, folder / "out", "--seed", seed)) for seed in range(count)]
    codes = {process.wait() for process in processes}
    found = runs(folder / "out")
    seeds = {json.loads((run / "run.json").read_text())["options"]["seed"] for run in found}
    foreign = sum(json.loads(line)["run"] != run.name for run in found for line in content(run).splitlines())
    order = sorted(slot.full_run.order, key=str)
    complete = [run for run in found if sorted(identities(content(run)), key=str) == order]
    one = Try(
        f"{count} runs at once", after=sum(len(content(run).splitlines()) for run in found), lost=0, repeated=0,
        code="/".join(map(str, codes)), orphans=sum(process.orphans() for process in processes),
    )  # fmt: skip
    return one.checked({
        f"codes {codes}": codes != {slot.full_run.code}, f"{len(found)} folders": len(found) != count,
        f"seeds {seeds}": len(seeds) != count, f"{foreign} records of another run": foreign,
        f"{count - len(complete)} incomplete": len(complete) != count, "left behind": one.orphans,
    })  # fmt: skip


def resumed_alive(slot: Slot, impls: Path, share: float) -> Try:
    """Resume a run that is still going on: that must be refused, and the run must end as if alone."""
    folder, size = slot.new(), int(share * slot.full_run.size / 2)
    first = Process(slot, folder, bench(impls, folder / "out"))
    wait_until(lambda: any(len(content(run)) > size for run in runs(folder / "out")))
    (run,) = runs(folder / "out")
    second = Process(slot, folder, resume(run))
    codes = second.wait(), first.wait()
    one = Try(
        "resume of a live run", f"{size} bytes", code=f"{codes[0]}/{codes[1]}", orphans=first.orphans(),
        note=" ".join(second.messages[-1:]).replace(str(run), "RUN"),
    ).checked({"it was not refused": codes[0] != 2, "the first one failed": codes[1] != slot.full_run.code})  # fmt: skip
    return resumed(slot, folder, one, content(run), run)


def mounted_disk(slot: Slot, impls: Path, kilobytes: int) -> Try | None:
    """Measure on a file system of N KB, where one may be mounted; None where not."""
    folder = slot.new()
    disk, kept = folder / "disk", folder / "kept"
    for path in (disk, kept):
        path.mkdir()
    script = (
        f"mount -t tmpfs -o size={kilobytes}k tmpfs {disk} || exit 99\n"
        'eval "$FIRST"; code=$?\n'
        f"mkdir {kept}/before && cp -r {disk}/* {kept}/before\n"
        f"mount -o remount,size=64m {disk} || exit 98\n"
        f'run=$(echo {disk}/*/*)\n{" ".join(command("run", "--impls", impls, "--resume"))} "$run" 2>>{kept}/resumed\n'
        f"echo $code $? >{kept}/codes\ncp -r {disk}/* {kept}"
    )
    first = {"FIRST": " ".join(bench(impls, disk))}
    process = Process(slot, folder, ["unshare", "-rm", "sh", "-c", script], variables=first)
    if process.wait() in (1, 98, 99) and not (kept / "codes").exists():
        return None
    code, resumed_code = map(int, (kept / "codes").read_text().split())
    (run,), (was,) = runs(kept), runs(kept / "before")
    before, after = content(was), content(run)
    messages, line = process.messages, "No space left on device; the records before are kept"
    one = Try(
        "full disk, mounted", f"{kilobytes} KB", len(before.splitlines()), len(after.splitlines()),
        lost=int(not after.startswith(before)), repeated=repetitions(after), orphans=process.orphans(), code=code,
    )  # fmt: skip
    return one.checked({
        f"code {code}": code != NotWritten.exit_code,
        f"it said {messages}": len(messages) != 2 or not messages[1].endswith(line),
        f"resume ended with {resumed_code}": resumed_code != slot.full_run.code, "repeated": one.repeated,
        "not the same samples in the same order": identities(after) != slot.full_run.order,
        "records lost": one.lost, "left behind": one.orphans,
    })  # fmt: skip
