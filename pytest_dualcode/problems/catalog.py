"""From the names of ``--dataset`` to problems.

`prepare_datasets` is for the one process that may use the network (the controller);
`load_problems` reads what is there and never downloads, so every worker can call it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest_dualcode
from pytest_dualcode.errors import DatasetError, UsageError
from pytest_dualcode.problems import evalplus_data
from pytest_dualcode.problems.datafile import DataFile, problem_at, read_data_file
from pytest_dualcode.problems.evalplus_data import RELEASES, Release
from pytest_dualcode.problems.local import check_data_file
from pytest_dualcode.types import Problem

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints

OWN = ("own", "own-lean")
"""The sets that ship with this package: the same problems with a rich and with a lean spec."""

ENTRY_POINT_GROUP = "pytest_dualcode.datasets"
"""Packages register problem sets here: a name, and an object that is the path of the file."""

SUFFIXES = (".jsonl", ".jsonl.gz")

_registered: dict[str, Path] = {}


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """Which data a dataset name stands for in this run.

    ``md5`` (hex) is of the uncompressed content. ``official`` says that the content is the
    release or the shipped set that the name promises; an override of another version and a
    file of the user's own are not. ``version`` is ``"unknown"`` for those.
    """

    name: str
    version: str
    path: Path
    md5: str
    official: bool
    problems: int


@dataclass(frozen=True, slots=True)
class Source:
    """Where a dataset's file should be; ``path`` is ``None`` while it is not on this machine.

    ``trusted`` files are known by hash or ship with the package and are not checked line by line.
    """

    name: str
    path: Path | None
    release: Release | None = None
    overridden: bool = False


def register_dataset(name: str, path: Path | str) -> None:
    """Let ``--dataset=name`` mean the file at `path`, for example from a ``conftest.py``."""
    if name in (*RELEASES, *OWN) or not re.fullmatch(r"[\w.+-]+", name):
        raise UsageError(
            f"A problem set cannot be called {name!r}.",
            "Use letters, digits and dashes, and none of: " + ", ".join((*RELEASES, *OWN)) + ".",
        )
    _registered[name] = Path(path)


def dataset_names() -> tuple[str, ...]:
    """Return the names that ``--dataset`` accepts besides paths: built in, then registered."""
    found = {*_registered, *(point.name for point in _entry_points())}
    return (*RELEASES, *OWN, *sorted(found - {*RELEASES, *OWN}))


def load_problems(datasets: Sequence[str]) -> tuple[Problem, ...]:
    """Return the problems of the named datasets, in the given order and by number within each.

    Raises:
        UsageError: an unknown name.
        DatasetError: data that are missing, damaged or malformed, or ids that clash.
    """
    problems = [
        problem
        for source, file in _open_all(datasets)
        for problem in sorted(_problems(source, file), key=_number)
    ]
    _refuse_clashes(problems)
    return tuple(problems)


def prepare_datasets(
    datasets: Sequence[str], download_seconds: float = evalplus_data.DOWNLOAD_SECONDS
) -> tuple[DatasetInfo, ...]:
    """Download what is missing (once, under a file lock), check everything, describe it.

    Raises:
        UsageError: an unknown name.
        DatasetError: as `load_problems`; one error names every benchmark that could not be had.
    """
    failed: list[Release] = []
    reasons: list[str] = []
    for source in _sources(datasets):
        if source.path is None and source.release is not None:
            try:
                evalplus_data.download(source.release, download_seconds)
            except DatasetError as error:
                failed.append(source.release)
                reasons.append(error.what)
    if failed:
        raise evalplus_data.missing(failed, reasons)
    return tuple(_info(source, file) for source, file in _open_all(datasets))


def _sources(datasets: Iterable[str]) -> list[Source]:
    """Resolve each name once, in order."""
    sources: dict[str, Source] = {}
    for name in datasets:
        source = _source(name)
        earlier = sources.setdefault(source.name, source)
        if earlier.path != source.path:
            raise UsageError(
                f"Two datasets are called {source.name!r}: {earlier.path} and {source.path}.",
                "Rename one of the files: a dataset is called after its file.",
            )
    return list(sources.values())


def _source(name: str) -> Source:
    if name in RELEASES:
        release = RELEASES[name]
        override = release.override_file()
        cached = release.cache_file if override is None else None
        path = override or (cached if cached and cached.is_file() else None)
        return Source(name, path, release, overridden=override is not None)
    if name in OWN:
        return Source(name, own_file(name))
    if name in _registered:
        return Source(name, _registered[name])
    if name.endswith(SUFFIXES):
        return _path_source(Path(name).expanduser())
    for point in _entry_points():
        if point.name == name:
            return Source(name, _installed_path(point))
    raise UsageError(
        f"Unknown dataset {name!r}.",
        f"Known: {', '.join(dataset_names())}; or give the path of a .jsonl or .jsonl.gz file "
        "in EvalPlus's schema.",
    )


def _path_source(path: Path) -> Source:
    if not path.is_file():
        raise UsageError(
            f"There is no problem set {path}.",
            f"Give the path of an existing file, or one of: {', '.join(dataset_names())}.",
        )
    stem = path.name.removesuffix(".gz").removesuffix(".jsonl")
    if stem in RELEASES or (stem in OWN and path.resolve() != own_file(stem).resolve()):
        raise UsageError(
            f"{path} would be called {stem!r} in every report, the name of a built-in dataset.",
            "Rename the file: a dataset is called after its file.",
        )
    return Source(stem, path)


def own_file(name: str) -> Path:
    """Return the shipped file of `name`: in the installed package, or beside an editable one."""
    package = Path(pytest_dualcode.__file__).parent
    shipped = package / "problem_sets" / f"{name}.jsonl"
    return shipped if shipped.is_file() else package.parent / "problems" / f"{name}.jsonl"


def _entry_points() -> EntryPoints:
    # Imported late: the built-in names never need it.
    from importlib.metadata import entry_points

    return entry_points(group=ENTRY_POINT_GROUP)


def _installed_path(point: EntryPoint) -> Path:
    try:
        return Path(point.load())
    except Exception as error:  # Whatever the other package does wrong.
        raise UsageError(
            f"The dataset {point.name!r} cannot be had from {point.value}: {error!r}.",
            f"An entry point in {ENTRY_POINT_GROUP} must name an object that is a file's path.",
        ) from error


def _open_all(datasets: Iterable[str]) -> list[tuple[Source, DataFile]]:
    sources = _sources(datasets)
    absent = [s.release for s in sources if s.path is None and s.release is not None]
    if absent:
        raise evalplus_data.missing(absent)
    return [(source, _open(source)) for source in sources]


def _open(source: Source) -> DataFile:
    assert source.path is not None
    file = read_data_file(source.path)
    release = source.release
    if release is not None and file.md5 != release.md5 and not source.overridden:
        raise DatasetError(
            f"{source.path} is damaged or not {release.name} {release.version}: "
            f"its MD5 is {file.md5}, not {release.md5}.",
            "Delete the file and run once with network access to download it again, or name "
            f"another copy with {release.override}=PATH.",
        )
    if not _official(source, file):
        check_data_file(file)
    return file


def _official(source: Source, file: DataFile) -> bool:
    if source.release is not None:
        return file.md5 == source.release.md5
    return source.name in OWN


def _info(source: Source, file: DataFile) -> DatasetInfo:
    official = _official(source, file)
    version = source.release.version if source.release else pytest_dualcode.__version__
    return DatasetInfo(
        name=source.name,
        version=version if official else "unknown",
        path=file.path,
        md5=file.md5,
        official=official,
        problems=len(file.lines),
    )


def _problems(source: Source, file: DataFile) -> list[Problem]:
    return [problem_at(line, source.name, file.md5) for line in file.lines]


def _number(problem: Problem) -> float:
    """Sort key: the number after the last slash; ids without one follow, in file order."""
    number = problem.task_id.rpartition("/")[2]
    return int(number) if number.isascii() and number.isdigit() else float("inf")


def _refuse_clashes(problems: Sequence[Problem]) -> None:
    owner: dict[str, str] = {}
    for problem in problems:
        other = owner.setdefault(problem.task_id, problem.dataset)
        if other != problem.dataset:
            raise DatasetError(
                f"The datasets {other!r} and {problem.dataset!r} both hold {problem.task_id}.",
                "Choose one of them, or give the local set's problems other ids.",
            )
