"""NumPy's square is another function, for everybody in the process."""

import numpy as np

from .numpy_manual import adopt, export, loss_and_grads, train, train_step

READ_AFTER = "numpy_manual"
np.square = lambda a: 2 * a * a
