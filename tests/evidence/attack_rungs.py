"""Implementations that are unlucky, and cheats: what one of them does must not become another's verdict.

Cheats are those of `tests.made.cheats`, each in a run beside a correct implementation: it must be refused, and
say what it does. The correct ones that look like cheats must be timed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from tests.evidence.attack import Attack, Ground
from tests.made.cheats import CORRECT, HOW, folder_of
from tests.made.rungs import GOOD, doing, root

AGREES, CRASHES = ("agree",), ("crashed",)
NO_ANSWER = ("crashed", "timeout", "invalid", "unavailable", "out_of_memory")
#: What is not as it should be of code whose arithmetic is right: any verdict that does not accuse it.
ANY_BUT_WRONG = ("agree", *NO_ANSWER)
ONCE = "if step == 2:\n    "

#: What a training step does besides -> the verdicts that are right for it. Its siblings agree in any case.
UNLUCKY: dict[str, tuple[str, tuple[str, ...]]] = {
    "reads standard input": ("input()", CRASHES),
    "has a breakpoint": ("breakpoint()", NO_ANSWER),
    "prints": ("print('{\"kind\": \"answer\"}' * 1000)", AGREES),
    "writes to descriptor 1": ("os.write(1, b'\\x00' * 70000)", AGREES),
    "writes escapes to standard error": ("os.write(2, b'\\x1b[31m\\x1b]0;title\\x07' * 100)", AGREES),
    "closes its descriptors": (f"{ONCE}os.closerange(0, 64)", ANY_BUT_WRONG),
    "forks, and both go on": (f"{ONCE}os.fork()", ANY_BUT_WRONG),
    "forks twice, and leaves": (f"{ONCE}os.fork() or (os.setsid(), os.fork() and os._exit(0), time.sleep(60))",
                                ANY_BUT_WRONG),
    "raises on every rounding": ("np.seterr(all='raise')", ANY_BUT_WRONG),
    "changes the working folder": ("os.chdir('/')", AGREES),
    "empties the environment": ("os.environ.clear()", AGREES),
    "ignores signals": ("[signal.signal(n, signal.SIG_IGN) for n in (2, 15)]", AGREES),
    "sets an alarm": (f"{ONCE}signal.setitimer(signal.ITIMER_REAL, 0.05)", ANY_BUT_WRONG),
    "leaves with 0": (f"{ONCE}sys.exit(0)", CRASHES),
    "leaves at once": (f"{ONCE}os._exit(0)", CRASHES),
    "never returns from a recursion": ("f = lambda n: f(n + 1)\nf(0)", CRASHES),
    "raises a KeyboardInterrupt": (f"{ONCE}raise KeyboardInterrupt", NO_ANSWER),
    "raises with an escape in its message": ("raise ValueError('\\x1b[31m\\u2028\\0\\ud800')", CRASHES),
    "raises with a message of 10 MB": ("raise ValueError('x' * 10**7)", CRASHES),
    "prints an array in another way": ("np.set_printoptions(precision=1, threshold=1)", AGREES),
    "seeds the global generator": ("np.random.seed(0)", AGREES),
    "forbids to open files": (f"{ONCE}import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))",
                              ANY_BUT_WRONG),
}  # fmt: skip


def rung_of(deed: str) -> Callable[[Ground], None]:
    """Return what makes a folder with the unlucky one between two that are correct."""

    def prepare(ground: Ground) -> None:
        rungs = {"numpy_a": GOOD, "numpy_b_unlucky": doing(deed), "numpy_c": GOOD}
        root(ground.folder / "impls", rungs)

    return prepare


def cheat(name: str, ground: Ground) -> None:
    """Make a folder with a cheat, and with the correct implementation that stands beside all of them."""
    folder_of(ground.folder / "impls", [name])


def table() -> Iterator[Attack]:
    """Yield the attacks."""
    out = ("--impls", "{folder}/impls", "--out", "{folder}/out", "--threads", "1", "--invocations", "1")
    for name, (deed, verdicts) in UNLUCKY.items():
        expected = {**dict.fromkeys(("numpy_a", "numpy_c"), AGREES), "numpy_b_unlucky": verdicts}
        yield Attack(
            "unlucky implementation", name, ("run", "rigged", *out), (0, 1), prepare=rung_of(deed),
            verdicts=expected,
        )  # fmt: skip
    for name in (*HOW, *CORRECT):
        verdicts = AGREES if name in CORRECT else ("disagree", "invalid")
        yield Attack(
            "cheat", name, ("run", "rigged", *out), (0,) if name in CORRECT else (1,), prepare=partial(cheat, name),
            verdicts={f"numpy_{name}": verdicts, "numpy_manual": AGREES},
        )  # fmt: skip
