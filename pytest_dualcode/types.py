"""The words of the system, as frozen values.

Data flows one way: options, problems, engine (calls, extraction, visible examples), solution,
judge, verdict, record, reports. Each arrow hands over one of the types below. Nothing here
imports anything but the standard library, so every other module may import it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal

Role = Literal["coder", "planner"]
"""Who answers a call: the code specialist or the reasoning generalist."""

ROLES: tuple[Role, ...] = ("coder", "planner")

GIVEN_PIPELINES = ("canonical", "samples")
"""Names that need no model: their solutions are given, not generated."""

BUILT_IN_PIPELINES = (
    "raw-coder",
    "raw-planner",
    "plan-code",
    "review-fix",
    "adversarial",
    "gated-review",
    "enriched-review",
)
"""The recipes that ship with the package, in the order of reports."""

Status = Literal["pass", "fail", "timeout"]
"""What a test suite said of a solution, in EvalPlus's words."""

ThinkingStyle = Literal["enable_thinking", "thinking", "reasoning_effort", "ollama", "none"]
"""How a model's thinking is switched; see `models.thinking`. The first two are variables of chat
templates, the next two fill ``reasoning_effort``, and ``none`` sends nothing."""

Outcome = Literal["passed", "failed", "error"]
"""What an item became. ``error`` is infrastructure: never a wrong answer."""


@dataclass(frozen=True, slots=True)
class Spec:
    """All of a problem that a model may see.

    ``prompt`` is HumanEval's signature with docstring, or MBPP's text with one assertion.
    Pipelines receive this type and never a `Problem`, so no hidden test can reach a request.
    """

    task_id: str
    dataset: str
    entry_point: str
    prompt: str

    @property
    def has_signature(self) -> bool:
        """Whether the prompt is code that begins the function (HumanEval), not prose (MBPP)."""
        return f"def {self.entry_point}(" in self.prompt


@dataclass(frozen=True, slots=True)
class HiddenTests:
    """EvalPlus's inputs for one problem: each input is the list of positional arguments.

    ``atol`` is the absolute tolerance that the dataset asks for (0 means exact, except that
    EvalPlus falls back to 1e-6 for floats).
    """

    base_inputs: list[list[Any]]
    plus_inputs: list[list[Any]]
    atol: float


@dataclass(frozen=True)
class Problem:
    """One benchmark task: a spec, its reference solution and its hidden tests.

    The hidden part is loaded when it is first asked for, since collection needs only the ids
    and 16 workers would each parse 10 MB of inputs for nothing.
    """

    task_id: str
    dataset: str
    entry_point: str
    dataset_hash: str
    load: Callable[[], tuple[Spec, str, HiddenTests]] = field(repr=False, compare=False)

    @cached_property
    def _loaded(self) -> tuple[Spec, str, HiddenTests]:
        return self.load()

    @property
    def spec(self) -> Spec:
        """What a model may see."""
        return self._loaded[0]

    @property
    def reference(self) -> str:
        """The complete reference program (EvalPlus's ``prompt + canonical_solution``)."""
        return self._loaded[1]

    @property
    def tests(self) -> HiddenTests:
        """The hidden tests; only the judge may touch them."""
        return self._loaded[2]


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message, as the OpenAI protocol names it."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """Every decoding field that is sent, so that no server-side default decides a result.

    ``max_tokens`` counts completion tokens, reasoning included. ``thinking`` is sent
    as ``thinking_style`` says, with ``effort`` where that is a word. ``seed`` is sent only when it
    is set.
    ``thinking_budget`` ends a thought after so many tokens, so that an answer still fits
    (vLLM with a reasoning parser; elsewhere only ``max_tokens`` bounds it). ``top_k`` 0 means all
    tokens.
    """

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    thinking: bool = False
    seed: int | None = None
    thinking_budget: int | None = None
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    thinking_style: ThinkingStyle = "enable_thinking"
    effort: str = ""


RARER = {"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0, "presence_penalty": 0.0}
"""Decoding fields that not every server knows, with their neutral values."""

ADDED_LATER = {**RARER, "thinking_style": "enable_thinking", "effort": ""}
"""Sampling fields that count in a request's key only where they are not neutral: calls that were
stored before there were such fields keep their keys."""


@dataclass(frozen=True, slots=True)
class Request:
    """One chat completion to ask for. Equal requests have equal keys and are made once.

    ``sample`` tells apart requests that are meant to be answered independently (pass@k,
    repeats); it is part of the key but not of what the server sees.
    """

    role: Role
    model: str
    messages: tuple[Message, ...]
    sampling: Sampling
    sample: int = 0

    @property
    def key(self) -> str:
        """SHA-256 (hex) over all fields in a canonical JSON form."""
        fields = asdict(self)
        for name, neutral in ADDED_LATER.items():
            if fields["sampling"][name] == neutral:
                del fields["sampling"][name]
        text = json.dumps(fields, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()


RAN_OUT = "length"
"""The finish reason of a reply that ran into ``max_tokens``, in the OpenAI API."""


@dataclass(frozen=True, slots=True)
class Call:
    """One finished chat completion: the request, the reply and what it cost.

    ``text`` is the reply without its reasoning; ``reasoning`` is kept for reports and never
    reaches extraction. ``started`` is Unix time and ``seconds`` wall time of the attempt that
    succeeded; ``attempts`` counts the failed ones too.
    """

    request: Request
    text: str
    reasoning: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    started: float
    seconds: float
    attempts: int = 1
    cached_tokens: int | None = None

    @property
    def id(self) -> str:
        """The request's key: what records refer to."""
        return self.request.key

    @property
    def truncated(self) -> bool:
        """Whether the reply ran into ``max_tokens``."""
        return self.finish_reason == RAN_OUT


@dataclass(frozen=True, slots=True)
class Extraction:
    """The program found in a reply.

    ``program`` is empty when nothing fits; ``failure`` then says why. ``steps`` names, in
    order, each thing that was done to the reply.
    """

    program: str
    steps: tuple[str, ...] = ()
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One visible example of a spec, the only tests that a pipeline may run.

    ``call`` is an expression that mentions the entry point; it must equal the value of the
    expression ``expected``, or raise the exception type named ``raises`` (exactly one of the
    two is set). ``source`` is the example's own text, for feedback to a model.
    """

    source: str
    call: str
    expected: str | None = None
    raises: str | None = None


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """What one visible example did: ``detail`` is the error or the differing value, in words."""

    example: Example
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a pipeline, as records and reports show it.

    ``outcome`` is one word: ``ok``, ``no_program``, ``truncated``, ``correct``, ``bugs``,
    ``review_unparsed``, ``skipped``, ``examples_passed``, ``examples_failed``, ``chosen``.
    ``program`` is the program that the step produced, if it produced one.
    """

    name: str
    outcome: str
    call_id: str | None = None
    program: str | None = None
    steps: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Solution:
    """The program handed to the judge, with the way that led to it."""

    program: str
    stages: tuple[Stage, ...] = ()
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """One suite's judgement. ``reason`` is empty for a pass and one line otherwise.

    ``passed_tests`` of ``total_tests`` inputs gave the expected output before judging ended
    (it ends at the first wrong one). ``cpu_seconds`` is the child's CPU time.
    """

    status: Status
    reason: str = ""
    passed_tests: int = 0
    total_tests: int = 0
    cpu_seconds: float = 0.0
    failing_input: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Base and plus judged apart, as EvalPlus does; ``isolation`` is the level, L3 to L0."""

    base: SuiteResult
    plus: SuiteResult
    isolation: str
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether the item passes: EvalPlus's *plus* needs base and plus both to pass."""
        return self.base.status == "pass" and self.plus.status == "pass"


@dataclass(frozen=True, slots=True, order=True)
class ItemKey:
    """What one pytest item stands for."""

    pipeline: str
    task_id: str
    sample: int = 0


@dataclass(frozen=True, slots=True)
class StageVerdict:
    """What the judge said, afterwards, of the program of one stage of a record.

    ``stage`` is its index in `Record.stages`. No pipeline ever learns of it: it tells the
    reports whether a review was right and whether a fix mended or broke something.
    """

    stage: int
    base_status: Status
    plus_status: Status


@dataclass(frozen=True, slots=True)
class Record:
    """One line of ``results.jsonl``: an item, from its solution to its outcome.

    ``base_status`` and ``plus_status`` are ``None`` for an error. Times are seconds.
    ``llm_seconds`` sums the item's calls; shared calls count in each item that used them.
    ``finish_reasons`` say how each of ``call_ids`` ended, in the same order and OpenAI's terms.
    ``examples_passed`` says, for each visible example of the spec in order, whether the solution
    passes it; run after a failure for the reports, and empty where it was not.
    """

    task_id: str
    dataset: str
    pipeline: str
    sample: int
    outcome: Outcome
    base_status: Status | None
    plus_status: Status | None
    reason: str
    solution: str
    call_ids: tuple[str, ...] = ()
    finish_reasons: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    llm_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    llm_seconds: float = 0.0
    judge_seconds: float = 0.0
    isolation: str = ""
    failing_input: str = ""
    stage_verdicts: tuple[StageVerdict, ...] = ()
    examples_passed: tuple[bool, ...] = ()

    @property
    def key(self) -> ItemKey:
        """The item that this record is of."""
        return ItemKey(self.pipeline, self.task_id, self.sample)

    @property
    def truncated_calls(self) -> int:
        """How many replies ran into ``max_tokens``."""
        return self.finish_reasons.count(RAN_OUT)
