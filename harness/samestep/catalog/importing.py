"""Files as modules of their workload's package, so that each finds its siblings in every folder of it."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from samestep.errors import SamestepError


def package_of(folders: Sequence[Path], workload: str) -> str:
    """Return the name of a package, made up, whose modules are the files of these folders.

    Of two files of one name that of the earlier folder is meant.
    """
    named = hashlib.sha256(os.fsencode("\0".join(map(str, folders)))).hexdigest()[:12]
    outer = f"impls_{named}"
    for name, path in {outer: [], f"{outer}.{workload}": [str(folder) for folder in folders]}.items():
        if name not in sys.modules:
            package = types.ModuleType(name)
            package.__path__ = path
            sys.modules[name] = package
    return f"{outer}.{workload}"


def import_file(path: Path, name: str) -> ModuleType:
    """Import a file under a name. Raises SamestepError for a file that does not end in .py."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SamestepError(f"{path} cannot be imported: a Python file ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
