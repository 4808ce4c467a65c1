"""The same samples through EvalPlus and through this package, whole commands, in turn.

For each data set and each set of samples it runs, `--rounds` times in turn,

    evalplus.evaluate --dataset D --samples S --parallel 2
    pytest --pipeline=samples --samples=S --dataset=D -n 2

and prints wall and CPU seconds (children included), their ratios, and on how many suites the
two disagree. EvalPlus judges one data set a command; we also judge all of them in one session,
where the slow problems of one fill the time that the other leaves, and the last line gives the
ratio of that to the sum of EvalPlus's commands. One unmeasured run of each for each data set comes
first, so that both find their ground truth cached. Without `--samples` the samples are the
reference solutions. Needs HumanEval+ and MBPP+ (EvalPlus's cache, or HUMANEVAL_OVERRIDE_PATH and
MBPP_OVERRIDE_PATH).

    python benchmarks/judge_vs_evalplus.py
    python benchmarks/judge_vs_evalplus.py --samples humaneval.jsonl --samples mbpp.jsonl
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pytest_dualcode.problems import load_problems

Statuses = dict[str, tuple[str, str]]
"""Base and plus status of each problem."""


@dataclass(frozen=True)
class Measured:
    """One command: wall seconds, CPU seconds of it and all that it waited for."""

    wall: float
    cpu: float


def measure(command: list[str], folder: Path) -> Measured:
    """Run a command to its end; its own exit status is no matter here."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    with (folder / "output.txt").open("a") as output:
        subprocess.run(
            command, cwd=folder, stdout=output, stderr=output, stdin=subprocess.DEVNULL, check=False
        )
    wall = time.monotonic() - began
    with contextlib.suppress(ChildProcessError):
        while True:  # what outlived the command, adopted by us, so that its CPU time counts
            os.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(wall, used)


def adopt_orphans() -> None:
    """Become the parent of processes whose own parent ended without waiting for them."""
    set_child_subreaper = 36
    ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def evalplus(dataset: str, samples: Path, folder: Path) -> tuple[Measured, Statuses]:
    """Judge with EvalPlus; return what it cost and what it said."""
    for old in folder.glob("samples*"):
        old.unlink()
    copy = folder / "samples.jsonl"
    shutil.copyfile(samples, copy)
    command = [sys.executable, "-m", "evalplus.evaluate", "--dataset", dataset, "--parallel", "2"]
    cost = measure([*command, "--samples", str(copy)], folder)
    (result,) = folder.glob("samples*eval_results.json")  # named differently by its versions
    said = json.loads(result.read_text())["eval"]
    return cost, {t: (r[0]["base_status"], r[0]["plus_status"]) for t, r in said.items()}


def ours(dataset: str, samples: Path, folder: Path) -> tuple[Measured, Statuses]:
    """Judge with pytest; return what it cost and what it said."""
    run = folder / f"run-{time.monotonic_ns()}"
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-n", "2", "--tb=no"]
    command += ["-p", "no:cacheprovider", "--pipeline=samples", f"--samples={samples}"]
    command += [f"--dataset={dataset}", f"--run-dir={run}"]
    cost = measure(command, folder)
    lines = (run / "results.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines if '"task_id"' in line]
    return cost, {r["task_id"]: (r["base_status"], r["plus_status"]) for r in records}


def write_references(dataset: str, folder: Path) -> Path:
    """Write the reference solutions as samples."""
    path = folder / f"references-{dataset}.jsonl"
    with path.open("w") as file:
        for problem in load_problems([dataset]):
            file.write(json.dumps({"task_id": problem.task_id, "solution": problem.reference}))
            file.write("\n")
    return path


def passes(statuses: Statuses) -> set[tuple[str, int]]:
    """Return the (problem, suite) pairs that passed."""
    return {(t, i) for t, pair in statuses.items() for i in (0, 1) if pair[i] == "pass"}


JUDGES: list[Callable[[str, Path, Path], tuple[Measured, Statuses]]] = [evalplus, ours]


def compare(dataset: str, samples: Path, rounds: int, folder: Path) -> list[Measured]:
    """Run both in turn and print the table's rows; return the sums, EvalPlus's first."""
    costs: list[list[Measured]] = [[], []]
    for number in range(rounds):
        said = []
        for costs_of_one, judge in zip(costs, JUDGES, strict=True):
            cost, statuses = judge(dataset, samples, folder)
            costs_of_one.append(cost)
            said.append(passes(statuses))
        a, b = costs[0][-1], costs[1][-1]
        print(
            f"{dataset:10} {samples.name:28} {number + 1:5}"
            f" {a.wall:8.1f} {b.wall:8.1f} {b.wall / a.wall:6.2f}"
            f" {a.cpu:8.1f} {b.cpu:8.1f} {b.cpu / a.cpu:6.2f} {len(said[0] ^ said[1]):6}",
            flush=True,
        )
    return [Measured(sum(c.wall for c in x), sum(c.cpu for c in x)) for x in costs]


def together(samples: list[Path], rounds: int, folder: Path) -> Measured:
    """Return what one session of ours over all the samples costs, summed over the rounds."""
    every = folder / "every.jsonl"
    every.write_text("\n".join(path.read_text().strip() for path in samples) + "\n")
    names = ",".join(dict.fromkeys(map(dataset_of, samples)))
    costs = [ours(names, every, folder)[0] for _ in range(rounds)]
    return Measured(sum(cost.wall for cost in costs), sum(cost.cpu for cost in costs))


def dataset_of(samples: Path) -> str:
    """Return the data set that a file of samples is for."""
    with samples.open() as file:
        return "humaneval" if "HumanEval/" in json.loads(file.readline())["task_id"] else "mbpp"


def print_ratio(what: str, sums: list[list[Measured]], mine: list[Measured]) -> None:
    """Print the ratios of our sums to the sums of EvalPlus's commands."""
    wall = sum(m.wall for m in mine) / sum(pair[0].wall for pair in sums)
    cpu = sum(m.cpu for m in mine) / sum(pair[0].cpu for pair in sums)
    print(f"{what}: wall ratio {wall:.2f}, CPU ratio {cpu:.2f}", flush=True)


def main() -> None:
    """Print one row for each round and the ratios of the sums."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--samples", action="append", type=Path, default=[])
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    adopt_orphans()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    print(
        f"{'dataset':10} {'samples':28} round {'wall':>8} {'wall':>8} {'':6} {'CPU':>8} {'CPU':>8}"
        f" {'':6} differ\n{'':45} {'EvalPlus':>8} {'ours':>8} {'ratio':>6} {'EvalPlus':>8}"
        f" {'ours':>8} {'ratio':>6}"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = [path.resolve() for path in options.samples]
        if not samples:
            samples = [write_references(dataset, folder) for dataset in ("humaneval", "mbpp")]
        for dataset, path in {dataset_of(path): path for path in samples}.items():
            for judge in JUDGES:
                judge(dataset, path, folder)
        sums = [compare(dataset_of(path), path, options.rounds, folder) for path in samples]
        print_ratio("command by command", sums, [pair[1] for pair in sums])
        if len(samples) > 1:
            at_once = together(samples, options.rounds, folder)
            print(f"{'one session of ours':60}{at_once.wall / options.rounds:9.1f}")
            print_ratio("in one session", sums, [at_once])


if __name__ == "__main__":
    main()
