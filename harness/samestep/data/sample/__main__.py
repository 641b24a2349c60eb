"""``python -m samestep.data.sample FROM_DIR``: remakes the sample's files."""

import sys
from pathlib import Path

from ..exceptions import DataError
from . import make

if len(sys.argv) != 2:
    sys.exit("usage: python -m samestep.data.sample FROM_DIR (a folder with full MNIST's four IDX files)")
try:
    for path in make(Path(sys.argv[1]), Path(__file__).parent):
        print(path, path.stat().st_size)
except (DataError, OSError) as error:
    sys.exit(str(error))
