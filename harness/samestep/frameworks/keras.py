"""Keras: layers, losses and fit, on TensorFlow's tensors."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # read once, when Keras is imported

import keras

from samestep.frameworks import Description, Settings, Shared, Unavailable, tensorflow

DISTRIBUTIONS = ("keras",)
REQUIRES = ("tensorflow",)  # the backend that the rungs are written for


class Adapter(tensorflow.Adapter):
    def __init__(self, settings: Settings) -> None:
        if keras.backend.backend() != "tensorflow":
            raise Unavailable(
                f"KERAS_BACKEND is {keras.backend.backend()}; the Keras rungs are written for tensorflow"
            )
        super().__init__(settings)
        # Metrics and the arrays given to fit take this type, whatever the layers have.
        keras.config.set_floatx(settings.dtype)

    def shared(self) -> Shared:
        tensorflow_has, config = super().shared(), keras.config
        settings = {
            "Keras' floatx": config.floatx(),
            "Keras' epsilon": config.epsilon(),
            "Keras' image data format": config.image_data_format(),
            "Keras' dtype policy": config.dtype_policy().name,
            "Keras' filter of tracebacks": config.is_traceback_filtering_enabled(),
            "Keras' interactive logging": config.is_interactive_logging_enabled(),
        }
        spaces = (keras, keras.activations, keras.layers, keras.losses, keras.ops, keras.optimizers)
        return Shared({**tensorflow_has.settings, **settings}, (*tensorflow_has.namespaces, *spaces))

    def describe(self) -> Description:
        about = super().describe()
        about["versions"]["keras"] = keras.__version__
        return about
