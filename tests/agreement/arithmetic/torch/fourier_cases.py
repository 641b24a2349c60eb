"""Discrete Fourier transforms and the windows around them that the rules are tried on."""

from __future__ import annotations

import torch

from tests.agreement.arithmetic.torch.operation_case import Case, normal, unary, uniform

parts, whole = torch.view_as_real, torch.view_as_complex


def sine(x):
    """A wave of 50 times the size of what it is added to: nearly all of it in two results."""
    return x + 50 * torch.sin(torch.arange(x.shape[1], dtype=x.dtype) * 0.7)


FOURIER_CASES = [
    unary("fft", normal(20, 64), lambda x: parts(torch.fft.fft(x))),
    unary("fft_shifted", normal(20, 1024, shift=30.0), lambda x: parts(torch.fft.fft(x))),
    unary("fft_sine", normal(10, 1000), lambda x: parts(torch.fft.fft(sine(x)))),
    unary("fft_complex", normal(20, 60, 2), lambda x: parts(torch.fft.fft(whole(x)))),
    unary("fft_prime", normal(20, 97), lambda x: parts(torch.fft.rfft(x))),
    unary("ifft_ortho", normal(20, 100, 2), lambda x: parts(torch.fft.ifft(whole(x), norm="ortho"))),
    unary("irfft_odd", normal(20, 33, 2), lambda x: torch.fft.irfft(whole(x), n=63)),
    unary("fft2", normal(3, 16, 24), lambda x: torch.fft.fft2(x).real),
    unary("rfft2", normal(3, 12, 20), lambda x: parts(torch.fft.rfft2(x, norm="ortho"))),
    unary("irfft2", normal(3, 12, 11, 2), lambda x: torch.fft.irfft2(whole(x))),
    unary("spectrum", normal(16, 40), lambda x: torch.fft.rfft(x).abs()),
    Case("fft_product", lambda x, w: torch.fft.irfft(torch.fft.rfft(x, 64) * torch.fft.rfft(w, 64)),
         (normal(16, 32), normal(16, 32))),
    Case("stft", lambda x, w: parts(torch.stft(x, 16, 8, window=w, return_complex=True)),
         (normal(4, 200), uniform(16))),
    unary("fftfreq", normal(600), lambda x: (torch.fft.fftfreq(600, 0.3) * x, torch.fft.rfftfreq(1198) * x)),
    unary("hann_window", normal(600), lambda x: (torch.hann_window(600) * x, torch.hamming_window(600) * x)),
    unary("kaiser_window", normal(600), lambda x: torch.kaiser_window(600) * x),
    unary("blackman_window", normal(600),
          lambda x: (torch.blackman_window(600, False) * x, torch.bartlett_window(600) * x)),
]  # fmt: skip
