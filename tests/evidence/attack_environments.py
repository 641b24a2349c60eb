"""Hostile surroundings: streams, locales, homes and folders that are not there, and a command line of nonsense."""

from __future__ import annotations

from collections.abc import Iterator

from tests.evidence.attack import KEPT, Attack

CHECK = ("check", "rigged/numpy_good", "--impls", "{impls}", "--dtype", "float64")
LOST = "standard output cannot be written"
DIGITS = "9" * 5000

#: Name -> (how the shell starts the command, codes, what is said): for commands that agree.
STREAMS: dict[str, tuple[str, tuple[int, ...], str]] = {
    "standard output on a full device": ('exec "$@" >/dev/full', (2,), LOST),
    "standard output closed": ('exec "$@" >&-', (0,), ""),
    "standard input closed": ('exec "$@" >"$OUT" <&-', (0,), ""),
    "all streams closed": ('exec "$@" >&- <&- 2>&-', (0,), ""),
    "standard error on a full device": ('exec "$@" >"$OUT" 2>/dev/full', (0,), ""),
    "the reader has gone": ('"$@" | true; exit ${PIPESTATUS[0]}', (0, 2, 141), ""),
    "a read-only working folder": ('cd /proc && exec "$@" >"$OUT"', (0,), ""),
    "no HOME": ('unset HOME; exec "$@" >"$OUT"', (0,), ""),
    "no PATH": ('PATH= exec "$@" >"$OUT"', (0,), ""),
    "64 open files at most": ('ulimit -n 64; exec "$@" >"$OUT"', (0, 1, 2), ""),
}
#: Name -> variables: whatever they are, the command agrees.
VARIABLES: dict[str, dict[str, str]] = {
    "ASCII streams": {"PYTHONIOENCODING": "ascii"},
    "Latin-1 streams": {"PYTHONIOENCODING": "latin-1"},
    "UTF-16 streams": {"PYTHONIOENCODING": "utf-16"},
    "an ASCII file system": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "a locale that does not exist": {"LC_ALL": "xx_YY.nothing"},
    "a HOME that does not exist": {"HOME": "/nowhere"},
    "a HOME that is a file": {"HOME": "/etc/hostname"},
    "a cache that is a file": {"SAMESTEP_CACHE": "/etc/hostname"},
    "a cache on a full device": {"SAMESTEP_CACHE": "/dev/full"},
    "a terminal of one column": {"COLUMNS": "1", "TERM": "dumb"},
    "without asserts": {"PYTHONOPTIMIZE": "1"},
    "unbuffered": {"PYTHONUNBUFFERED": "1"},
    "another hash seed": {"PYTHONHASHSEED": "7"},
}
#: What is typed -> what is said: it exits 2.
TYPED: dict[tuple[str, ...], str] = {
    ("run", "--budget", "inf"): "not a finite number", ("run", "--budget", "nan"): "not a finite number",
    ("run", "--width", "nan"): "not a finite number", ("run", "--width", "-1"): "not a finite number",
    ("run", "--invocations", DIGITS): "", ("run", "--seed", DIGITS): "", ("run", "--threads", DIGITS): "",
    ("run", "two_layer:tiny", "--sweep", f"batch=1:{DIGITS}"): "write SIZE=FROM:TO",
    ("run", "two_layer:tiny", "--sweep", f"batch={DIGITS}"): "write SIZE=FROM:TO",
    ("run", "two_layer:tiny", "--shard", f"1/{DIGITS}"): "write I/N",
    ("run", "two_layer:tiny", "--shard", f"{DIGITS}/{DIGITS}"): "write I/N",
    ("check", f"two_layer:tiny[batch={DIGITS}]"): "not a valid case",
    ("check", "two_layer\x1b[31m\u2028"): "no workload matches", ("check", DIGITS): "two_layer",
    ("check", "two_layer", "--impls", "{folder}/\x1b[31m"): "no such folder",
    ("report", "{folder}/\u2028\n"): "is not a run", ("run", "--resume", "{folder}/\x1b"): "is not a run",
    ("check", "two_layer", "--file", "{folder}"): "is a directory",
    ("report", "a" * 5000): "File name too long", ("compare", "a" * 5000, "a" * 5000): "",
    ("list", "--impls", "/dev/null"): "no such folder", ("data", "path", "\x1b"): "",
    ("check", "two_layer", "--python", "torch=/dev/null"): "",
}  # fmt: skip


def table() -> Iterator[Attack]:
    """Yield the attacks."""
    kind = "environment"
    for name, (shell, codes, says) in STREAMS.items():
        yield Attack(kind, f"{name}, check", CHECK, codes, says, shell=shell)
        yield Attack(kind, f"{name}, list", ("list",), codes, says, shell=shell)
    yield Attack(kind, "help on a full device", ("--help",), says=LOST, shell='exec "$@" >/dev/full')
    for name, variables in VARIABLES.items():
        yield Attack(kind, f"{name}, check", CHECK, (0,), variables=variables)
        yield Attack(kind, f"{name}, report", ("report", "{run}"), (0,), variables=variables)
    for name in ("caf\\xe9", "caf\\xc3\\xa9", "a\\nb", "a\\x1b[31mb", "a\\xe2\\x80\\xa8b"):
        shell = f"""cp -r "$4" "$4"$'{name}'; exec "$1" -m samestep report "$4"$'{name}' >"$OUT" """
        yield Attack(kind, f"report of a folder named {name}", ("{run}",), (0,), shell=shell)
    full = 'rm -f "$4/report.md"; ln -s /dev/full "$4/report.md"; exec "$1" -m samestep report "$4" >"$OUT"'
    yield Attack(kind, "a report on a full device", ("{run}",), says="cannot be written", shell=full)
    for typed, says in TYPED.items():
        name = " ".join(typed).encode("unicode_escape").decode()[:60]
        yield Attack("command line", name, typed, says=says, shell=KEPT)
