"""Convolutions, pooling and what follows them: padding, flips, and the order of channels."""

from __future__ import annotations

from samestep.conventions.ports.pitfall import Pitfall, normal

TITLE = "Convolutions and pooling"
NOTE = "Arrays are (rows, channels, height, width), kernels (out, in, height, width), as in PyTorch."

TORCH_TRANSPOSE = "https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html"
TENSORFLOW_NN = "https://www.tensorflow.org/api_docs/python/tf/nn"
FLAX_LINEAR = "https://flax-linen.readthedocs.io/en/latest/api_reference/flax.linen/layers.html"

PITFALLS = (
    Pitfall(
        "same_padding",
        "SAME padding with a stride",
        (
            "convolution with stride 2 differs", "off by a few percent, everywhere in the image",
            "padding same and padding=1 do not match", "odd sizes agree, even sizes do not",
            "PyTorch: padding='same' is not supported for strided convolutions",
        ),
        "SAME pads as little as the stride needs, and the odd pixel goes to the right and below: 6 pixels "
        "with a kernel of 3 and stride 2 get (0, 1). PyTorch's padding=1 pads (1, 1), so every window is "
        "one pixel to the left. With an odd kernel and an odd size, or stride 1, both pad alike. Pad by "
        "hand in PyTorch.",
        "TensorFlow's tf.nn.conv2d, padding SAME, stride 2",
        normal(x=(2, 3, 6, 6), w=(4, 3, 3, 3)),
        links={"tensorflow": TENSORFLOW_NN},
    ),
    Pitfall(
        "symmetric_padding",
        "Symmetric padding with a stride",
        (
            "port of a PyTorch convolution with stride 2 differs",
            "ResNet from PyTorch is off in the first layer",
            "torch.nn.Conv2d(padding=1) does not match padding='same'", "off by a few percent at the border",
        ),
        "The same difference from the other side: PyTorch pads both sides alike, SAME does not on even "
        "sizes. Give the padding in numbers; Keras takes none, so a ZeroPadding2D goes before a "
        "convolution with padding='valid'.",
        "PyTorch's nn.Conv2d(stride=2, padding=1)",
        normal(x=(2, 3, 6, 6), w=(4, 3, 3, 3)),
        kinds=("conv: padding",),
        said="the padding in front is 0, the reference's 1 (SAME for symmetric padding?)",
        links={"jax": FLAX_LINEAR},
    ),
    Pitfall(
        "transposed_convolution",
        "Transposed convolutions: flip, padding, output padding",
        (
            "ConvTranspose does not match", "ConvTranspose2d, Conv2DTranspose, deconvolution differ",
            "the output is mirrored or shifted by one pixel", "the output has another size",
            "upsampling with a decoder, U-Net or GAN generator differs",
        ),
        "Three choices. Flip: PyTorch, TensorFlow and Keras use the kernel as the gradient of a "
        "convolution does; Flax's ConvTranspose does not unless transpose_kernel=True, so flip both axes "
        "of the kernel. Padding: PyTorch's padding crops the full output, by as much on both sides; SAME "
        "crops what is too much for n times the stride, the odd pixel at the end. Output padding adds "
        "pixels at the end. In Flax, padding is that of the stretched input: (k - 1 - padding, k - 1 - "
        "padding + output_padding). The kernel is (in, out, ...) in PyTorch and (..., out, in) in "
        "TensorFlow and Keras.",
        "PyTorch's nn.ConvTranspose2d(kernel 3, stride=2, padding=1, output_padding=1)",
        normal(x=(2, 3, 4, 4), w=(3, 5, 3, 3)),
        links={"torch": TORCH_TRANSPOSE, "jax": FLAX_LINEAR},
    ),
    Pitfall(
        "depthwise_kernel",
        "The kernel of a depthwise convolution",
        (
            "depthwise or separable convolution differs", "grouped convolution, channels in another order",
            "MobileNet, EfficientNet, ConvNeXt port does not match",
        ),
        "PyTorch numbers the output channels group by group: channel c, multiple m is c * M + m, and the "
        "kernel is (C M, 1, h, w). TensorFlow and Keras have (h, w, C, M): split the first axis into C and "
        "M, not M and C. Flax has (h, w, 1, C M), in PyTorch's order.",
        "PyTorch's nn.Conv2d(3, 6, 3, groups=3)",
        normal(x=(2, 3, 5, 5), w=(6, 1, 3, 3)),
    ),
    Pitfall(
        "flatten_order",
        "Flattening before a dense layer",
        (
            "the dense layer after the convolutions differs", "everything agrees up to flatten",
            "NCHW and NHWC", "channels first and channels last", "the head or classifier differs",
        ),
        "(channels, height, width) and (height, width, channels) flatten to different orders. Transpose to "
        "channels first before flattening, or reorder the rows of the dense kernel once.",
        "PyTorch's flatten of (rows, channels, height, width), then nn.Linear",
        normal(x=(2, 3, 4, 4), w=(5, 48)),
        kinds=("feature order", "flatten order"),
        said="the input is flattened in the order of its axes (0, 2, 3, 1)",
    ),
    Pitfall(
        "dense_kernel",
        "The kernel of a dense layer",
        (
            "a square dense layer differs", "the weights are transposed", "nn.Linear and Dense do not match",
            "query, key and value projections differ",
        ),
        "PyTorch's weight is (out, in) and multiplies as x @ w.T; all others have (in, out). A square "
        "kernel fits both ways without an error.",
        "PyTorch's nn.Linear",
        normal(x=(2, 4), w=(4, 4)),
        kinds=("linear: transposed",),
        said="the weight is transposed",
    ),
    Pitfall(
        "flipped_kernel",
        "Convolution or correlation",
        (
            "the kernel is mirrored", "the output is reversed", "conv1d and convolve differ",
            "np.convolve, scipy.signal.convolve and conv1d do not match",
        ),
        "Layers of all frameworks correlate: the kernel is not mirrored. What signal processing calls a "
        "convolution (np.convolve, jnp.convolve, scipy.signal) mirrors it.",
        "PyTorch's nn.Conv1d, one channel",
        normal(x=(9,), w=(4,)),
    ),
    Pitfall(
        "average_pool_border",
        "Average pooling at the border",
        (
            "average pooling differs at the border", "AvgPool2d and AveragePooling2D do not match",
            "off by a few percent at the border, right inside", "count_include_pad",
        ),
        "PyTorch and Flax divide by the size of the window, zeros of the padding included "
        "(count_include_pad=True); TensorFlow and Keras by what lies inside the image. To get the others' "
        "in PyTorch: count_include_pad=False.",
        "PyTorch's nn.AvgPool2d(3, stride=1, padding=1)",
        normal(x=(2, 3, 5, 5)),
        kinds=("counted padding",),
        said="padding is not counted in the mean, where the reference counts it",
    ),
    Pitfall(
        "pixel_shuffle",
        "Pixel shuffle and depth to space",
        (
            "PixelShuffle and depth_to_space do not match", "super-resolution output has swapped colours",
            "checkerboard or mixed channels after upsampling",
            "space_to_depth, patch merging, pixel_unshuffle",
        ),
        "PyTorch splits the channels into (colours, 2, 2), TensorFlow's depth_to_space into (2, 2, "
        "colours). With one colour both agree. Reorder the channels first.",
        "PyTorch's nn.PixelShuffle(2)",
        normal(x=(2, 12, 3, 3)),
    ),
)  # fmt: skip
