"""A library's mistake: Keras's Adam rounds a Python float to float32, in a float64 model too."""

from samestep.impls.nn_variants.keras_optimizers import adopt, export, forward, keep, loss_and_grads, trace, train_step

__all__ = ["adam_eps_hat_step", "adopt", "export", "forward", "loss_and_grads", "trace", "train_step"]


def adam_eps_hat_step(state, x, y, learning_rate, beta1, beta2, eps):
    keep(state, "adam_m", "adam_v", "adam_step")
    adam = state.optimizers["adam"]
    adam.learning_rate, adam.epsilon = learning_rate, eps
    adam.beta_1, adam.beta_2 = beta1, beta2  # the mistake: nobody would write it otherwise
    loss, grads = loss_and_grads(state, x, y)
    adam.apply(list(grads.values()))
    return state, loss
