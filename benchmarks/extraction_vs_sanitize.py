"""Programs that pass the hidden tests after our extraction, and after EvalPlus's `sanitize`.

Takes files of replies (JSON lines, perhaps compressed, with `task_id`, `reply` and `model`) and
prints, for each model, how many replies pass base and plus tests after each extraction, and each
reply on which the two differ. Programs that are equal as syntax trees are judged once. Then the
CPU time of both on the longest replies and on made-up ones.

    python benchmarks/extraction_vs_sanitize.py replies.jsonl.gz --verdicts verdicts.jsonl

`--verdicts` keeps the verdicts, so that an interrupted run goes on. `--differing` judges only
programs that differ (minutes instead of an hour); the totals then leave out the others.
"""

from __future__ import annotations

import argparse
import ast
import gzip
import hashlib
import json
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from evalplus.sanitize import sanitize

from pytest_dualcode.extraction import extract_program
from pytest_dualcode.judge import Judge
from pytest_dualcode.problems import load_problems
from pytest_dualcode.types import Problem, Spec

Passed = tuple[bool, bool]
"""Whether a program passes the base tests, and base and plus."""


@dataclass(frozen=True)
class Reply:
    """One reply, and the program that each extraction finds in it."""

    task_id: str
    model: str
    text: str
    theirs: str
    ours: str

    @property
    def same(self) -> bool:
        """Whether the two programs are equal as syntax trees."""
        return tree(self.theirs) == tree(self.ours)


def tree(program: str) -> str:
    """A text that equal syntax trees share; the program itself where it is not Python."""
    try:
        return ast.dump(ast.parse(program))
    except (SyntaxError, ValueError, RecursionError):
        return program


def read(path: Path, problems: dict[str, Problem]) -> Iterator[Reply]:
    """Read the replies of one file and extract from each with both."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            spec = problems[row["task_id"]].spec
            theirs = sanitize(row["reply"], entrypoint=spec.entry_point)
            ours = extract_program(row["reply"], spec).program
            yield Reply(row["task_id"], row["model"], row["reply"], theirs, ours)


class Verdicts:
    """Judges each program once, and remembers it in a file."""

    def __init__(self, path: Path | None, problems: dict[str, Problem]) -> None:
        self._path, self._problems = path, problems
        self._judge = Judge(allow_unsafe=True)
        self._known: dict[str, Passed] = {}
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                key, base, plus = json.loads(line)
                self._known[key] = (base, plus)

    def __call__(self, task_id: str, program: str) -> Passed:
        """Return whether `program` passes base, and base and plus."""
        if not program.strip():
            return (False, False)
        key = hashlib.sha256(f"{task_id}\n{tree(program)}".encode("utf-8", "replace")).hexdigest()
        if key not in self._known:
            verdict = self._judge.judge(self._problems[task_id], program)
            self._known[key] = (verdict.base.status == "pass", verdict.passed)
            if self._path is not None:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([key, *self._known[key]]) + "\n")
        return self._known[key]

    def close(self) -> None:
        """End the judge's processes."""
        self._judge.close()


def compare(replies: Iterable[Reply], verdict: Verdicts, differing: bool) -> None:
    """Print the table of passes by model, and the replies on which the extractions differ."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    notes: list[str] = []
    for reply in replies:
        count = counts[reply.model]
        count["replies"] += 1
        count["differ"] += not reply.same
        if reply.same and differing:
            continue
        theirs, ours = (verdict(reply.task_id, p) for p in (reply.theirs, reply.ours))
        for name, place in (("base", 0), ("plus", 1)):
            count[f"theirs {name}"] += theirs[place]
            count[f"ours {name}"] += ours[place]
            count[f"lost {name}"] += theirs[place] and not ours[place]
            count[f"won {name}"] += ours[place] and not theirs[place]
        if theirs != ours:
            word = "lost" if theirs > ours else "won"
            notes.append(f"{word}: {reply.task_id} {reply.model[:40]} {theirs} -> {ours}")
    columns = [
        "replies",
        "differ",
        *(f"{who} {n}" for n in ("base", "plus") for who in ("theirs", "ours", "lost", "won")),
    ]
    print("| model |", " | ".join(columns), "|")
    print("| --- |", " | ".join("---" for _ in columns), "|")
    for model, count in [*counts.items(), ("all", sum(counts.values(), Counter()))]:
        print(f"| {model[:40]} |", " | ".join(str(count[c]) for c in columns), "|", flush=True)
    print("\n".join(notes), "\n", flush=True)


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU time of one call: wall time means little on a busy machine."""
    began = time.process_time()
    work()
    return time.process_time() - began


def time_both(name: str, text: str, spec: Spec) -> None:
    """Print one row: the size, both times and their ratio."""
    ours = cpu_seconds(lambda: extract_program(text, spec))
    theirs = cpu_seconds(lambda: sanitize(text, entrypoint=spec.entry_point))
    lines = text.count("\n") + 1
    ratio = theirs / max(ours, 1e-6)
    print(
        f"| {name} | {lines} | {len(text)} | {theirs:.3f} | {ours:.4f} | {ratio:.0f} |", flush=True
    )


SPEC = Spec("Made/0", "made", "f", '"""\nDo it.\nassert f(1) == 1\n"""\n')
SENTENCE = "It's a (quite) long story, and none of it is code; but it goes on.\n"
HELPER = "def g{n}(x):\n    y = [x * i for i in range({n})]\n    return sum(y)\n\n\n"
ANSWER = "```python\ndef f(x):\n    return x\n```\n"


def made_up(lines: int) -> str:
    """A reply of about `lines` lines: prose, another function in a block, prose, the answer."""
    block = "```python\n" + "".join(HELPER.format(n=n) for n in range(lines // 10)) + "```\n"
    return SENTENCE * (lines // 4) + block + SENTENCE * (lines // 4) + ANSWER


def one_megabyte() -> dict[str, str]:
    """Replies of 1 MB of several kinds."""
    million = 1_000_000
    helpers = "".join(HELPER.format(n=n) for n in range(14_000))
    line = "    y = [x * 3 for i in range(x) if i > 2]  # step\n"
    return {
        "prose, then the answer": SENTENCE * (million // len(SENTENCE)) + ANSWER,
        "blocks over and over": (SENTENCE + ANSWER) * (million // len(SENTENCE + ANSWER)),
        "functions without a fence": f"{helpers}def f(x):\n    return g2(x)\n",
        "one function": "def f(x):\n" + line * (million // len(line)) + "    return x\n",
        "one function, cut off": "def f(x):\n" + line * (million // len(line)) + "    if x >",
        "prose only": SENTENCE * (million // len(SENTENCE)),
    }


def times(replies: list[Reply], problems: dict[str, Problem]) -> None:
    """Print the tables of times."""
    print("| reply | lines | characters | sanitize, CPU s | ours, CPU s | ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    for reply in sorted(replies, key=lambda r: -len(r.text))[:5]:
        time_both(reply.task_id, reply.text, problems[reply.task_id].spec)
    for lines in (100, 200, 400):
        time_both("made up", made_up(lines), SPEC)
    print("\n| 1 MB of | characters | ours, CPU s |\n| --- | --- | --- |")
    for name, text in one_megabyte().items():
        spent = cpu_seconds(lambda text=text: extract_program(text, SPEC))  # type: ignore[misc]
        print(f"| {name} | {len(text)} | {spent:.2f} |", flush=True)


def main() -> None:
    """Run the comparison from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--verdicts", type=Path)
    parser.add_argument("--differing", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", SyntaxWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    problems = {p.task_id: p for p in load_problems(["humaneval", "mbpp"])}
    everything: list[Reply] = []
    verdict = Verdicts(arguments.verdicts, problems)
    for path in arguments.files:
        replies = list(read(path, problems))
        print(f"\n{path.name}\n", flush=True)
        compare(replies, verdict, arguments.differing)
        everything += replies
    verdict.close()
    times(everything, problems)


if __name__ == "__main__":
    main()
