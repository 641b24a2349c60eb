"""The machine of a run: what tells two machines apart, and a name for its folder."""

from __future__ import annotations

import subprocess

import pytest

from samestep.measure import fingerprint as module
from samestep.measure import hardware
from samestep.measure.fingerprint import fingerprint, revision, slug
from samestep.measure.hardware import Gpu
from samestep.records.plan import Machine

X86 = "model name\t: AMD EPYC 7763 64-Core Processor\nflags\t\t: fpu sse avx avx2 fma avx512\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd sve\n"


def made(cpu: str, *gpus: str) -> Machine:
    return Machine(cpu, processors=4, gpus=[Gpu(name) for name in gpus], os="Linux 6.1", python="3.12.1")


@pytest.mark.parametrize(
    ("one", "name"),
    [
        (made("AMD EPYC 7763 64-Core Processor"), "amd-epyc-7763-64-core-4cpu"),
        (made("Intel(R) Xeon(R) CPU @ 2.20GHz"), "intel-xeon-2-20ghz-4cpu"),
        (made("x86_64", "NVIDIA H200", "another"), "x86-64-4cpu-nvidia-h200"),
    ],
)
def test_a_folder_is_named_by_the_processor_how_many_and_the_first_gpu(one, name):
    assert slug(one) == name


@pytest.mark.parametrize(
    ("text", "name", "vectors"),
    [(X86, "AMD EPYC 7763 64-Core Processor", ("avx", "avx2", "fma")), (ARM, "here", ("asimd", "sve")),
     (None, "here", ())],
)  # fmt: skip
def test_the_processor_is_read_off_the_kernels_description(monkeypatch, text, name, vectors):
    monkeypatch.setattr(hardware, "read_text", lambda path: text)
    monkeypatch.setattr(hardware.platform, "machine", lambda: "here")
    assert (hardware.cpu_name(), hardware.instructions()) == (name, vectors)


def test_this_machine_can_be_described():
    found = fingerprint()
    assert found.cpu
    assert found.processors >= 1
    assert found.memory_bytes > 2**20
    assert found.os.startswith("Linux ")
    assert "/" not in found.executable


def test_where_git_does_not_answer_there_is_no_revision(monkeypatch, tmp_path):
    def hang(command: list[str], **options: object) -> None:
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(module.subprocess, "run", hang)
    assert revision() is None
    monkeypatch.undo()
    monkeypatch.setattr(module, "ROOT", tmp_path)  # installed, and not beside a checkout
    assert revision() is None
