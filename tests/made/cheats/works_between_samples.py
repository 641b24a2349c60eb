"""A thread computes all the time, also while others have their turn."""

import threading

import numpy as np

from .numpy_manual import adopt, export, loss_and_grads, train, train_step

READ_AFTER = "numpy_manual"


def work():
    a = np.ones((300, 300))
    while True:
        a @ a


threading.Thread(target=work, daemon=True).start()
