"""Resizing of images: antialiasing, where pixels lie, and the cubic's coefficient."""

from __future__ import annotations

from samestep.conventions.ports.pitfall import Pitfall, normal

TITLE = "Resizing"
NOTE = (
    "Images are (rows, channels, height, width). Noise as input shows the largest differences; on "
    "photographs they are smaller."
)

TORCH_INTERPOLATE = "https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html"
JAX_RESIZE = "https://docs.jax.dev/en/latest/_autosummary/jax.image.resize.html"
TENSORFLOW_RESIZE = "https://www.tensorflow.org/api_docs/python/tf/image/resize"
LINKS = {"torch": TORCH_INTERPOLATE, "tensorflow": TENSORFLOW_RESIZE, "jax": JAX_RESIZE}

PITFALLS = (
    Pitfall(
        "antialias",
        "Making an image smaller: antialiasing",
        (
            "resize differs", "downsampled image is smoother or sharper", "bilinear resize does not match",
            "preprocessing differs between training and serving", "F.interpolate and jax.image.resize differ",
        ),
        "jax.image.resize averages over all pixels that a new one covers (antialias=True); PyTorch, "
        "TensorFlow and Keras look at the nearest two of each axis unless they are told otherwise. Making "
        "larger is the same.",
        "PyTorch's F.interpolate(mode='bilinear'), 9 to 4 pixels",
        normal(x=(2, 3, 9, 9)),
        links=LINKS,
    ),
    Pitfall(
        "antialias_on",
        "Making an image smaller, with antialiasing",
        (
            "resize as PIL does", "torchvision resize differs from tf.image.resize",
            "antialias=True, does it match",
        ),
        "The other way round: where the model was trained on antialiased images, as PIL and torchvision "
        "make them, all four have the flag.",
        "JAX's jax.image.resize(method='bilinear'), 9 to 4 pixels",
        normal(x=(2, 3, 9, 9)),
        links=LINKS,
    ),
    Pitfall(
        "bicubic",
        "The coefficient of bicubic interpolation",
        (
            "bicubic resize differs", "bicubic off by a few percent", "bicubic differs at the border",
            "interpolated position embeddings of a vision transformer do not match",
        ),
        "A cubic has one free coefficient: -0.75 in PyTorch (as in OpenCV), -0.5 in JAX, TensorFlow and "
        "Keras (as in PIL). Beyond the border PyTorch repeats the last pixel, the others leave it out and "
        "divide by what is left. PyTorch's antialias=True takes -0.5 and leaves out as well: when an image "
        "is made larger, it changes nothing else. Nothing in JAX or TensorFlow gives -0.75: write the "
        "weights out.",
        "JAX's jax.image.resize(method='bicubic'), 5 to 8 pixels",
        normal(x=(2, 3, 5, 5)),
        links=LINKS,
    ),
    Pitfall(
        "align_corners",
        "align_corners",
        (
            "bilinear upsampling differs", "align_corners=True",
            "the output is shifted by a fraction of a pixel",
            "segmentation head differs", "nn.UpsamplingBilinear2d does not match",
        ),
        "With align_corners=True the outermost pixels' centres stay in place, so one step is (n - 1) / (m "
        "- 1) old pixels; without it the outer edges stay, and a step is n / m. PyTorch's "
        "nn.UpsamplingBilinear2d has it on. Elsewhere give the coordinates.",
        "PyTorch's F.interpolate(mode='bilinear', align_corners=True), 4 to 7 pixels",
        normal(x=(2, 3, 4, 4)),
        links=LINKS,
    ),
    Pitfall(
        "nearest",
        "Which pixel is the nearest",
        (
            "nearest resize differs", "masks or labels are shifted by one pixel",
            "mode='nearest' does not match",
        ),
        "PyTorch's mode='nearest' takes pixel floor(i n / m), which is the one at the left edge; the "
        "others take floor((i + 1/2) n / m), the one at the centre. PyTorch calls that 'nearest-exact'. By "
        "whole factors up, both agree.",
        "JAX's jax.image.resize(method='nearest'), 5 to 3 pixels",
        normal(x=(2, 3, 5, 5)),
        links=LINKS,
    ),
)  # fmt: skip
