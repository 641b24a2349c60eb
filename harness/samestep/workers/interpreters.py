"""Whether a file is an interpreter that workers can be run with, asked before anything is run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping

from samestep.errors import SamestepError

#: The oldest Python that samestep's own code runs with.
OLDEST = (3, 11)

#: A Python answers in a tenth of a second; what does not answer by then is none.
PATIENCE_SECONDS = 30.0

#: Says the version, and of these modules those that are not there; every Python since 2.7 can run it. As for
#: a worker, the working directory is not looked in.
QUESTION = """
import json, sys
sys.path = [path for path in sys.path if path]
version, missing = list(sys.version_info[:2]), []
if version >= %r:
    from importlib.util import find_spec
    missing = [name for name in %r if find_spec(name) is None]
print(json.dumps({"python": version, "missing": missing}))
"""


def check_interpreter(python: str, modules: Mapping[str, str]) -> None:
    """Raise SamestepError, with what is wrong, unless ``python`` is new enough and has these modules.

    Each module is given with the name by which pip installs it.
    """
    try:
        done = subprocess.run(
            [python, "-c", QUESTION % (list(OLDEST), list(modules))],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise SamestepError(f"{python} does not answer as a Python does") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte
        raise SamestepError(f"{python} cannot be started: {getattr(error, 'strerror', error)}") from None
    try:
        found = json.loads(done.stdout.splitlines()[-1])
        version, missing = tuple(found["python"]), found["missing"]
    except (ValueError, IndexError, KeyError, TypeError):
        raise SamestepError(f"{python} does not answer as a Python does") from None
    if version < OLDEST:
        wanted, got = (".".join(map(str, one)) for one in (OLDEST, version))
        raise SamestepError(f"{python} is Python {got}, and samestep needs {wanted} or newer")
    if missing:
        names = " ".join(modules[name] for name in missing)
        raise SamestepError(f"{python} has no {' and no '.join(missing)}: {python} -m pip install {names}")
