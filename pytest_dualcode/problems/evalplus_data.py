"""EvalPlus's releases: which version counts, where its file lies, how it is downloaded.

The MD5 sums are of the uncompressed files, which is what EvalPlus keeps in its cache folder and
what its results call ``hash``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_dualcode.errors import DatasetError

DOWNLOAD_SECONDS = 120.0
"""How long one download may take in all before it counts as failed."""

STALL_SECONDS = 20
"""How long a connection may stay silent: without it, a dropped packet waits for minutes."""


@dataclass(frozen=True, slots=True)
class Release:
    """One released benchmark. ``override`` is EvalPlus's environment variable for another file."""

    dataset: str
    name: str
    version: str
    md5: str
    url: str
    override: str

    @property
    def cache_file(self) -> Path:
        """Where EvalPlus keeps the uncompressed file, whether it exists or not."""
        # Imported late: only sessions that run a benchmark need it.
        from platformdirs import user_cache_dir

        return Path(user_cache_dir("evalplus")) / f"{self.name}-{self.version}.jsonl"

    def override_file(self) -> Path | None:
        """Return the file that the environment names; `DatasetError` if it does not exist."""
        value = os.environ.get(self.override)
        if not value:
            return None
        path = Path(value).expanduser()
        if not path.is_file():
            raise DatasetError(
                f"{self.override}={value} is not a file.",
                f"Let {self.override} name a copy of {self.name}.jsonl.gz, or unset it.",
            )
        return path


_RELEASES = "https://github.com/evalplus/{}_release/releases/download/{}/{}.jsonl.gz"

HUMANEVAL = Release(
    dataset="humaneval",
    name="HumanEvalPlus",
    version="v0.1.10",
    md5="fe585eb4df8c88d844eeb463ea4d0302",
    url=_RELEASES.format("humanevalplus", "v0.1.10", "HumanEvalPlus"),
    override="HUMANEVAL_OVERRIDE_PATH",
)

MBPP = Release(
    dataset="mbpp",
    name="MbppPlus",
    version="v0.2.0",
    md5="ee43ecabebf20deef4bb776a405ac5b1",
    url=_RELEASES.format("mbppplus", "v0.2.0", "MbppPlus"),
    override="MBPP_OVERRIDE_PATH",
)

RELEASES = {release.dataset: release for release in (HUMANEVAL, MBPP)}


def missing(releases: Sequence[Release], reasons: Sequence[str] = ()) -> DatasetError:
    """Return the one error that says which benchmarks are missing and every way to get them."""
    names = " and ".join(f"{release.name} {release.version}" for release in releases)
    verb = "is" if len(releases) == 1 else "are"
    tried = "".join(f"\n  {reason}" for reason in reasons)
    ways = [
        "- run once with network access: the files are downloaded to EvalPlus's cache folder;",
        "- copy the uncompressed release by hand to "
        + " and ".join(str(release.cache_file) for release in releases)
        + ";",
        "- name a local copy (.jsonl or .jsonl.gz) in the environment: "
        + " ".join(f"{release.override}=PATH" for release in releases)
        + ";",
        "- use --dataset=own, which ships with this package and needs no download.",
    ]
    return DatasetError(
        f"{names} {verb} not on this machine.{tried}", "\n".join(["Do one of these:", *ways])
    )


def download(release: Release, seconds: float = DOWNLOAD_SECONDS) -> None:
    """Put the release into EvalPlus's cache folder, once for all processes of this machine.

    EvalPlus's own code downloads, in a child process, since it has no timeout of its own. The file
    appears under its final name only when its hash is right.

    Raises:
        DatasetError: with the reason only; `missing` adds the remedies.
    """
    from filelock import FileLock, Timeout

    target = release.cache_file
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_suffix(".lock"), timeout=2 * seconds):
            if not target.exists():
                _download_to(target, release, seconds)
    except Timeout as error:
        raise DatasetError(
            f"Another process has been downloading {target} for too long."
        ) from error
    except OSError as error:
        raise DatasetError(f"{target} cannot be written: {error}.") from error


def _download_to(target: Path, release: Release, seconds: float) -> None:
    from pytest_dualcode.problems.datafile import read_data_file

    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        file = Path(folder) / target.name
        _run_evalplus_download(release.url, file, seconds)
        found = read_data_file(file).md5
        if found != release.md5:
            raise DatasetError(f"{release.url} has MD5 {found} instead of {release.md5}.")
        file.replace(target)


# The module is loaded by its path: importing its package would import pandas and datasets first.
_CHILD = f"""\
import importlib.util, pathlib, socket, sys
socket.setdefaulttimeout({STALL_SECONDS})
(package,) = importlib.util.find_spec("evalplus").submodule_search_locations
path = pathlib.Path(package, "data", "utils.py")
spec = importlib.util.spec_from_file_location("evalplus_data_utils", path)
utils = importlib.util.module_from_spec(spec)
spec.loader.exec_module(utils)
utils.make_cache(sys.argv[1], sys.argv[2])
"""


def _run_evalplus_download(url: str, file: Path, seconds: float) -> None:
    command = [sys.executable, "-X", "utf8", "-c", _CHILD, url, str(file)]
    try:
        done = subprocess.run(
            command,
            cwd=file.parent,  # The downloader puts its unfinished file into the current folder.
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DatasetError(f"{url}: no complete download within {seconds:g} s.") from error
    if done.returncode != 0 or not file.is_file():
        last = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1]
        raise DatasetError(f"{url}: {last}")
