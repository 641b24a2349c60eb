"""TensorFlow: eager tensors, static graphs and XLA, in one process."""

from __future__ import annotations

from typing import TypeGuard

import numpy as np
import tensorflow as tf
from tensorflow.python.eager.context import global_seed
from tensorflow.python.framework.config import is_op_determinism_enabled

from samestep.frameworks import Description, Settings, Shared, Unavailable

DISTRIBUTIONS = ("tensorflow-cpu", "tensorflow")


def _is_tensor(value: object) -> TypeGuard[tf.Tensor | tf.Variable]:
    return issubclass(type(value), tf.Tensor | tf.Variable)  # isinstance would ask the value


class Adapter:
    def __init__(self, settings: Settings) -> None:
        gpus = tf.config.list_physical_devices("GPU")
        if settings.device == "gpu" and not gpus:
            raise Unavailable(f"TensorFlow {tf.__version__} sees no GPU")
        if settings.device == "cpu":
            tf.config.set_visible_devices([], "GPU")
        tf.get_logger().setLevel("ERROR")  # a new trace for a new shape is intended here
        # Sessions made without a configuration of their own take these as well.
        tf.config.threading.set_intra_op_parallelism_threads(settings.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.experimental.enable_tensor_float_32_execution(settings.matmul == "tf32")
        self.gpu = settings.device == "gpu"

    def asarray(self, array: np.ndarray) -> tf.Tensor:
        # The copy matters: on the CPU an eager tensor may share an ndarray's memory.
        return tf.constant(array.copy())

    def is_native(self, value: object) -> bool:
        kinds = (tf.Tensor, tf.Variable, np.ndarray, np.generic)
        return issubclass(type(value), kinds)  # isinstance would ask the value

    def to_numpy(self, array: object) -> np.ndarray:
        if _is_tensor(array):
            return np.array(array.numpy())
        if issubclass(type(array), np.ndarray | np.generic):  # what a session returns
            return np.array(array)
        hint = ": tf.convert_to_tensor makes one of it" if isinstance(array, tf.IndexedSlices) else ""
        raise TypeError(f"{type(array).__name__} is not a tf.Tensor{hint}")

    def device_of(self, array: tf.Tensor | np.ndarray) -> str:
        if isinstance(array, np.ndarray | np.generic):  # a session fetches to the host by itself
            return "gpu" if self.gpu else "cpu"
        return "gpu" if "GPU" in array.device else "cpu"

    def wait(self, outputs: object) -> None:
        if self.gpu:
            tf.test.experimental.sync_devices()

    def matmul(self, a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        return tf.matmul(a, b)

    def device_memory(self) -> int | None:
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"]) if self.gpu else None

    def shared(self) -> Shared:
        config = tf.config
        settings = {
            "TensorFlow's eager mode": tf.executing_eagerly(),
            "whether TensorFlow's functions run eagerly": config.functions_run_eagerly(),
            "TensorFlow's default graph": tf.compat.v1.get_default_graph(),
            "TensorFlow's XLA mode": config.optimizer.get_jit(),
            "TensorFlow's optimizer": config.optimizer.get_experimental_options(),
            "TensorFlow's soft device placement": config.get_soft_device_placement(),
            "TensorFlow's TF32 mode": config.experimental.tensor_float_32_execution_enabled(),
            "TensorFlow's deterministic mode": is_op_determinism_enabled(),
            "TensorFlow's seed": global_seed(),
            "TensorFlow's threads": (
                config.threading.get_intra_op_parallelism_threads(),
                config.threading.get_inter_op_parallelism_threads(),
            ),
        }
        return Shared(settings, (tf, tf.linalg, tf.math, tf.nn, tf.random, tf.Tensor, tf.Variable))

    def describe(self) -> Description:
        return {
            "versions": {"tensorflow": tf.__version__},
            "threads": tf.config.threading.get_intra_op_parallelism_threads(),
            "inter_op_threads": tf.config.threading.get_inter_op_parallelism_threads(),
            "matmul": "tf32" if tf.config.experimental.tensor_float_32_execution_enabled() else "float32",
        }
