"""`Judge`: verdicts on solutions, and visible examples, from a small pool of zygotes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeVar

from pytest_dualcode.errors import JudgeError
from pytest_dualcode.judge import canaries, evalplus_mode, examples, suite
from pytest_dualcode.judge.evalplus_mode import EvalPlusJudge
from pytest_dualcode.judge.ground_truth import Expected, GroundTruth, GroundTruthCache
from pytest_dualcode.judge.sandbox import ChildKilled, Limits, Zygote
from pytest_dualcode.types import Example, ExampleResult, Problem, Spec, SuiteResult, Verdict

Mode = Literal["dualcode", "evalplus"]
T = TypeVar("T")
DEFAULT_LIMITS = Limits()


class Judge:
    """Judges programs in jailed children. Cheap to make: the first use starts a zygote.

    All methods may be called from several threads; each job runs in a zygote of its own, of
    which there are at most as many as CPUs. ``walls`` are the protections to try, best first
    (see `canaries.BEST_FIRST`); fewer are for tests of the lower levels.
    """

    def __init__(
        self,
        *,
        cache_dir: Path | None = None,
        allow_unsafe: bool = False,
        mode: Mode = "dualcode",
        walls: Sequence[str] = canaries.BEST_FIRST,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._limits = limits
        self._cache = GroundTruthCache(cache_dir)
        self._pool = _ZygotePool(allow_unsafe, walls)
        self._allow_unsafe = allow_unsafe
        self._evalplus = EvalPlusJudge() if mode == "evalplus" else None

    def __enter__(self) -> Judge:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def isolation(self) -> str:
        """The level, ``L3`` to ``L0``, found by trying to break out.

        Raises:
            UsageError: it is below L2 and ``allow_unsafe`` was not given.
        """
        if self._evalplus is not None:
            evalplus_mode.refuse_unless_allowed(self._allow_unsafe)
            return evalplus_mode.LEVEL
        return self._pool.level

    def judge(self, problem: Problem, program: str) -> Verdict:
        """Judge `program` on the problem's base and plus inputs, each in a fresh child.

        Raises:
            JudgeError: the judge itself broke; it says nothing about the program.
        """
        if self._evalplus is not None:
            evalplus_mode.refuse_unless_allowed(self._allow_unsafe)
            return self._evalplus.judge(problem, program)
        began = time.monotonic()
        tests, truth = problem.tests, self.ground_truth(problem)

        def judged(inputs: list[Any], expected: Sequence[Expected]) -> SuiteResult:
            return self._run(
                lambda zygote: suite.judge_suite(
                    zygote, problem, program, inputs, expected, self._limits
                )
            )

        base = judged(tests.base_inputs, truth.base)
        plus = judged(tests.plus_inputs, truth.plus)
        return Verdict(base, plus, self.isolation, time.monotonic() - began)

    def run_examples(
        self, spec: Spec, program: str, examples_: Sequence[Example]
    ) -> tuple[ExampleResult, ...]:
        """Run the visible examples against `program`, all in one jailed child."""
        if not examples_:
            return ()
        return self._run(lambda zygote: examples.run(zygote, spec, program, examples_))

    def ground_truth(self, problem: Problem) -> GroundTruth:
        """Return the problem's expected outputs, computing them where they are missing."""
        return self._cache.get(
            problem, lambda p: self._run(lambda zygote: suite.compute_ground_truth(zygote, p))
        )

    def expected_seconds(self, problem: Problem) -> float:
        """Return the reference's CPU seconds, or 0.0 while they are not known."""
        return self._cache.seconds(problem)

    def close(self) -> None:
        """End all zygotes."""
        self._pool.close()
        if self._evalplus is not None:
            self._evalplus.close()

    def _run(self, work: Callable[[Zygote], T]) -> T:
        """Do `work` with a zygote; once more if the zygote broke or its child was killed."""
        try:
            with self._pool.zygote() as zygote:
                return work(zygote)
        except (ZygoteLost, ChildKilled):
            with self._pool.zygote() as zygote:
                return work(zygote)


class ZygoteLost(JudgeError):
    """A zygote died or stopped answering."""


class _ZygotePool:
    """Starts zygotes as they are needed, up to the number of CPUs, and lends them out."""

    def __init__(self, allow_unsafe: bool, walls: Sequence[str]) -> None:
        self._allow_unsafe = allow_unsafe
        self._walls = walls
        self._changed = threading.Condition()
        self._idle: list[Zygote] = []
        self._count = 0
        self._most = max(1, os.cpu_count() or 1)
        self._plan: canaries.Plan | None = None

    @property
    def level(self) -> str:
        """The isolation level; finds it on first use."""
        with self._changed:
            return self._found_plan().level

    def _found_plan(self) -> canaries.Plan:
        if self._plan is None:
            plan, zygote = canaries.find(self._allow_unsafe, self._walls)
            self._plan = plan
            self._idle.append(zygote)
            self._count += 1
        return self._plan

    @contextmanager
    def zygote(self) -> Iterator[Zygote]:
        """Lend a zygote; one that broke is not taken back."""
        zygote = self._take()
        try:
            yield zygote
        except JudgeError as error:
            if zygote.alive:
                self._give_back(zygote)
                raise
            self._drop(zygote)
            raise ZygoteLost(error.what, error.remedy) from error
        except BaseException:
            self._drop(zygote)
            raise
        self._give_back(zygote)

    def _take(self) -> Zygote:
        with self._changed:
            plan = self._found_plan()
            self._changed.wait_for(lambda: self._idle or self._count < self._most)
            if self._idle:
                return self._idle.pop()
            self._count += 1
        try:
            return plan.start()
        except BaseException:
            with self._changed:
                self._count -= 1
                self._changed.notify()
            raise

    def _give_back(self, zygote: Zygote) -> None:
        with self._changed:
            self._idle.append(zygote)
            self._changed.notify()

    def _drop(self, zygote: Zygote) -> None:
        zygote.close()
        with self._changed:
            self._count -= 1
            self._changed.notify()

    def close(self) -> None:
        """End the zygotes that are not lent out."""
        with self._changed:
            idle, self._idle = self._idle, []
            self._count -= len(idle)
        for zygote in idle:
            zygote.close()


def ensure_ground_truth(
    problems: Sequence[Problem], *, cache_dir: Path | None = None, allow_unsafe: bool = False
) -> None:
    """Compute the expected outputs that are missing, on all CPUs, for all processes to share.

    Raises:
        JudgeError: a reference solution fails, or the cache folder cannot be written.
    """
    cache = GroundTruthCache(cache_dir)
    missing = [p for p in problems if not cache.path(p).exists()]
    if not missing:
        return
    from concurrent.futures import ThreadPoolExecutor

    with (
        Judge(cache_dir=cache_dir, allow_unsafe=allow_unsafe) as judge,
        ThreadPoolExecutor(max(1, os.cpu_count() or 1)) as threads,
    ):
        for _ in threads.map(judge.ground_truth, missing):
            pass


def expected_seconds(problem: Problem, *, cache_dir: Path | None = None) -> float:
    """Return the reference's CPU seconds, or 0.0 while they are not known."""
    return GroundTruthCache(cache_dir).seconds(problem)
