"""Nobody sleeps as long as asked for."""

import time

from .numpy_manual import adopt, export, loss_and_grads, train, train_step

READ_AFTER = "numpy_manual"
time.sleep = lambda seconds: None
