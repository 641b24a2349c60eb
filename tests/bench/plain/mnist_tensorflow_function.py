"""One epoch of MNIST in TensorFlow 2: all its steps in one tf.function, on images normalised beforehand."""

import tensorflow as tf


def prepare(params, arrays, numbers):
    images = tf.constant((arrays["images"] / 255 - numbers["mean"]) / numbers["std"], tf.float32)
    labels, order = tf.constant(arrays["labels"]), tf.constant(arrays["order"])
    variables = {name: tf.Variable(value, dtype=tf.float32) for name, value in params.items()}
    layers = len(params) // 2

    def loss_of(x, y):
        for i in range(1, layers):
            x = tf.nn.relu(x @ variables[f"w{i}"] + variables[f"b{i}"])
        logits = x @ variables[f"w{layers}"] + variables[f"b{layers}"]
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))

    @tf.function
    def epoch():
        batches = order.shape[0]
        losses = tf.TensorArray(tf.float32, batches)
        for i in tf.range(batches):
            with tf.GradientTape() as tape:
                loss = loss_of(tf.gather(images, order[i]), tf.gather(labels, order[i]))
            grads = tape.gradient(loss, variables)
            for name, variable in variables.items():
                variable.assign_sub(numbers["learning_rate"] * grads[name])
            losses = losses.write(i, loss)
        return losses.stack()

    return lambda: epoch().numpy()
