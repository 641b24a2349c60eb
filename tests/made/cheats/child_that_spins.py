"""A child of the process takes a processor from the others."""

import subprocess
import sys

from .numpy_manual import adopt, export, loss_and_grads, train, train_step

READ_AFTER = "numpy_manual"
child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
