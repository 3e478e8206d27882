"""The machine and software of a benchmark, and the load from other processes."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch

REPOSITORY = Path(__file__).resolve().parents[1]

PACKAGES = ("fewscape", "torch", "torchvision", "timm", "numpy")

FLAGS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "asimd")
"""CPU flags that determine the speed of matrix products, bfloat16 above all."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What must be equal for two results to be comparable."""

    commit: str
    has_local_changes: bool
    versions: dict[str, str]
    processor: str
    processor_flags: list[str]
    num_processors: int
    """Processors available to this process."""
    num_threads: int
    """Threads that torch uses for one operation."""
    gpu: str | None

    @classmethod
    def describe(cls) -> Machine:
        """Describe this machine."""
        name, flags = _read_processor()
        return cls(
            commit=_ask_git("rev-parse", "HEAD") or "unknown",
            has_local_changes=bool(_ask_git("status", "--porcelain", "--untracked-files=no")),
            versions={"python": platform.python_version()}
            | {package: version(package) for package in PACKAGES},
            processor=name,
            processor_flags=[flag for flag in FLAGS if flag in flags],
            num_processors=_count_processors(),
            num_threads=torch.get_num_threads(),
            gpu=torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        )


class Watch:
    """Measure how many processors other processes use between start and ``read``."""

    def __init__(self) -> None:
        self.load_before = os.getloadavg()[0]
        self._wall = time.perf_counter()
        self._ours = _own_seconds()
        self._all = _busy_seconds()

    def read(self) -> float:
        """Mean number of processors; the earlier load average on systems without this count."""
        now = _busy_seconds()
        if now is None or self._all is None:
            return self.load_before
        others = (now - self._all) - (_own_seconds() - self._ours)
        return max(0.0, others / (time.perf_counter() - self._wall))


def _own_seconds() -> float:
    """CPU seconds of this process and of finished children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _busy_seconds() -> float | None:
    """CPU seconds of all processes since boot."""
    try:
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    except OSError:
        return None
    user, nice, system, _, _, interrupts, soft, steal = map(int, fields[:8])
    return (user + nice + system + interrupts + soft + steal) / os.sysconf("SC_CLK_TCK")


def _count_processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _read_processor() -> tuple[str, set[str]]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine(), set()
    pairs = [(key.strip(), value) for key, _, value in (line.partition(":") for line in lines)]
    facts = dict(reversed(pairs))  # the first processor's
    flags = facts.get("flags", facts.get("Features", ""))
    return facts.get("model name", platform.machine()).strip(), set(flags.split())


def _ask_git(*words: str) -> str:
    """Output of git, or nothing outside a checkout."""
    try:
        done = subprocess.run(
            ["git", *words], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip()
