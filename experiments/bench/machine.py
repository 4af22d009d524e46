"""The machine: its device and cores, its clock, its memory, and the images."""

import ctypes
import functools
import os
import platform
import resource
import time
from pathlib import Path

import torch

from aevae_lib import data, evidence

DEVICE = data.pick_device()
ON_CPU = DEVICE.type == "cpu"
RESULTS = evidence.RESULTS / (
    "bench.json" if ON_CPU else f"bench_{DEVICE.type}.json"
)
CORES = os.cpu_count() or 1
THREADS = sorted({1, CORES}) if ON_CPU else [CORES]
STATUS = Path("/proc/self/status")  # on Linux


@functools.cache
def load() -> data.DataSet:
    """The images, where all training is to run."""
    return data.load(device=DEVICE)


def clock() -> float:
    """Seconds by a clock that is read when all work given to a GPU is done."""
    if not ON_CPU:
        torch.accelerator.synchronize()
    return time.perf_counter()


def forget_peak() -> float:
    """Let `peak_memory` count from now on, and return what it starts from."""
    if DEVICE.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    elif STATUS.exists():
        if platform.libc_ver()[0] == "glibc":
            # What was freed before shall not serve training.
            ctypes.CDLL(None).malloc_trim(0)
        # See `man 5 proc`.
        STATUS.with_name("clear_refs").write_text("5", "utf-8")
    return peak_memory()


def peak_memory() -> float:
    """The most megabytes that this process has had: in main memory, or in
    tensors on a GPU.
    """
    if DEVICE.type == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    if not STATUS.exists():  # macOS, which counts in bytes and from the start
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    # Not by `getrusage`: on Linux a new process inherits the peak of the one
    # that started it.
    lines = STATUS.read_text("utf-8").splitlines()
    (line,) = (line for line in lines if "VmHWM" in line)
    return int(line.split()[1]) * 1024 / 1e6


def machine() -> dict[str, object]:
    """What the numbers were measured on."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        names = (
            line.partition(":")[2].strip()
            for line in lines
            if "model name" in line
        )
        name = next(names, name)
    found = {
        "processor": name,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "cores": CORES,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    return found if ON_CPU else found | {"device": data.describe_device(DEVICE)}
