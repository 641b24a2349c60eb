"""One epoch of MNIST in scikit-learn: one partial_fit a batch, on images normalised beforehand."""

import numpy as np
from sklearn.neural_network import MLPClassifier


def prepare(params, arrays, numbers):
    images = ((arrays["images"] / 255 - numbers["mean"]) / numbers["std"]).astype("float32")
    labels, order = arrays["labels"], arrays["order"]
    layers = range(1, len(params) // 2 + 1)
    model = MLPClassifier(
        hidden_layer_sizes=[len(params[f"b{i}"]) for i in layers[:-1]],
        solver="sgd",
        learning_rate_init=numbers["learning_rate"],
        momentum=0,
        nesterovs_momentum=False,
        alpha=0,
        batch_size=order.shape[1],
        shuffle=False,
    )
    model.partial_fit(images[order[0]], labels[order[0]], classes=np.arange(10))
    model.coefs_ = [params[f"w{i}"].astype("float32") for i in layers]
    model.intercepts_ = [params[f"b{i}"].astype("float32") for i in layers]

    def run():
        losses = []
        for batch in order:
            model.partial_fit(images[batch], labels[batch])
            losses.append(model.loss_)
        return losses

    return run
