"""The settings of a process that all code in it shares: Python's, the operating system's, NumPy's."""

from __future__ import annotations

import decimal
import faulthandler
import gc
import locale
import math
import os
import resource
import signal
import sys
import threading
import warnings
from pathlib import Path

import numpy as np

#: Limits of the operating system that decide whether code still runs.
LIMITS = (resource.RLIMIT_AS, resource.RLIMIT_DATA, resource.RLIMIT_STACK, resource.RLIMIT_NOFILE)


def process_settings() -> dict[str, object]:
    """Return them by name, in words: values that are equal where nothing was changed."""
    return {**_of_python(), **_of_the_system(), **_of_numpy()}


def _of_python() -> dict[str, object]:
    context = decimal.getcontext()
    return {
        "sys.meta_path": list(sys.meta_path),
        "the switch interval": sys.getswitchinterval(),
        "the limit of digits of an int": sys.get_int_max_str_digits(),
        "the trace function": (sys.gettrace(), threading.gettrace()),
        "the profile function": (sys.getprofile(), threading.getprofile()),
        "the garbage collector": (gc.isenabled(), gc.get_threshold(), gc.get_debug()),
        "faulthandler": faulthandler.is_enabled(),
        "the warnings that are errors": [one for one in warnings.filters if one[0] == "error"],
        "the decimal context": (
            context.prec, context.rounding, context.Emin, context.Emax, context.clamp,
            [signal for signal, set_ in context.traps.items() if set_],
        ),
        "the locale": locale.setlocale(locale.LC_ALL),
    }  # fmt: skip


def _of_the_system() -> dict[str, object]:
    seconds, interval = signal.getitimer(signal.ITIMER_REAL)
    return {
        "the current directory": _current_directory(),
        "the umask": _umask(),
        "signal handlers": [signal.getsignal(number) for number in range(1, signal.NSIG)],
        "the signals that are blocked": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "a timer": seconds > 0 or interval > 0,
        "the processors of the process": os.sched_getaffinity(0),
        "the priority of the process": os.getpriority(os.PRIO_PROCESS, 0),
        "the limits of the process": [resource.getrlimit(limit) for limit in LIMITS],
        "a standard stream": [_file(number) for number in range(3)],
        "how the processor rounds": _rounding(),
    }


def _of_numpy() -> dict[str, object]:
    return {
        "NumPy's handling of errors": (np.geterr(), np.geterrcall(), np.getbufsize()),
        "NumPy's print options": np.get_printoptions(),
    }


def _current_directory() -> str | None:
    try:
        return str(Path.cwd())
    except FileNotFoundError:  # it was deleted
        return None


def _umask() -> str:
    with Path("/proc/self/status").open(encoding="ascii", errors="replace") as status:  # os.umask sets
        return next((line for line in status if line.startswith("Umask")), "")


def _file(number: int) -> tuple[int, int] | None:
    try:
        found = os.fstat(number)
    except OSError:  # it was closed
        return None
    return found.st_dev, found.st_ino


def _rounding() -> tuple[float, ...]:
    """Return sums and a product that depend on the direction of rounding, and on whether the smallest numbers
    are taken for zero."""
    one, little = math.copysign(1.0, 1), math.copysign(sys.float_info.epsilon / 4, 1)
    return one + little, -one - little, little - one, sys.float_info.min * math.copysign(0.5, 1)
