"""Each recipe against scripted replies: which calls it makes, and what it hands to the judge."""

from __future__ import annotations

import asyncio

import pytest
from scripted_models import Script, ScriptedModels

from pytest_dualcode.errors import UsageError
from pytest_dualcode.pipelines import expand_names, find_recipe, paper_names, pipeline
from pytest_dualcode.pipelines.attempt import Attempt
from pytest_dualcode.pipelines.registry import roles_of
from pytest_dualcode.types import Example, ExampleResult, Solution, Spec

SPEC = Spec(
    "Own/0",
    "own",
    "double",
    'def double(x: int) -> int:\n    """Return twice x; 0 for an empty input.\n\n'
    "    >>> double(2)\n    4\n    >>> double(0)\n    0\n    >>> double(-1)\n    -2\n"
    '    """\n',
)
LEAN = Spec("Mbpp/0", "mbpp", "double", '"""\nWrite a function.\nassert double(2) == 4\n"""\n')
GOOD = "def double(x):\n    return x + x"
BAD = "def double(x):\n    return x"
EXAMPLE = Example("double(2) == 4", "double(2)", "4")


def reply(program: str) -> str:
    return f"```python\n{program}\n```"


async def run_examples(_spec: Spec, program: str) -> tuple[ExampleResult, ...]:
    """Judge by the text: only GOOD passes."""
    passed = program.strip() == GOOD
    return (ExampleResult(EXAMPLE, passed, "" if passed else "double(2) gave 2"),)


def solve(name: str, script: Script, spec: Spec = SPEC) -> tuple[Solution, ScriptedModels]:
    models = ScriptedModels(script)
    attempt = Attempt(spec, models, run_examples)
    program = asyncio.run(find_recipe(name)(spec, attempt))
    return attempt.solution(program), models


def coder_and_review(review: str | tuple[str, str], fixed: str = GOOD) -> Script:
    """The coder drafts BAD, then answers with `fixed`; the planner answers `review`."""

    def script(role: str, turn: str) -> str | tuple[str, str]:
        if role == "planner":
            return review
        return reply(fixed if "reviewer" in turn or "examples" in turn else BAD)

    return script


def outcomes(solution: Solution) -> list[tuple[str, str]]:
    return [(stage.name, stage.outcome) for stage in solution.stages]


def test_raw_coder_is_one_call_without_thinking() -> None:
    solution, models = solve("raw-coder", lambda _role, _turn: reply(GOOD))
    assert solution.program.strip() == GOOD
    assert [(role, thinking) for role, _, thinking in models.asked] == [("coder", False)]


def test_raw_planner_asks_the_planner_without_thinking() -> None:
    _, models = solve("raw-planner", lambda _role, _turn: reply(GOOD))
    assert [(role, thinking) for role, _, thinking in models.asked] == [("planner", False)]


def test_plan_code_hands_the_analysis_to_the_coder() -> None:
    def script(role: str, _turn: str) -> str:
        return "ADD IT TO ITSELF" if role == "planner" else reply(GOOD)

    solution, models = solve("plan-code", script)
    assert [(role, thinking) for role, _, thinking in models.asked] == [
        ("planner", True),
        ("coder", False),
    ]
    assert "ADD IT TO ITSELF" in models.asked[1][1]
    assert solution.program.strip() == GOOD


def test_review_fix_keeps_a_draft_that_the_review_calls_correct() -> None:
    solution, models = solve("review-fix", coder_and_review("VERDICT: correct"))
    assert solution.program.strip() == BAD
    assert len(models.asked) == 2
    assert outcomes(solution) == [("draft", "ok"), ("review", "correct")]


def test_review_fix_fixes_once_with_the_review_and_the_import_inventory() -> None:
    solution, models = solve("review-fix", coder_and_review("- double(2): 2, not 4\nVERDICT: bugs"))
    assert solution.program.strip() == GOOD
    assert [role for role, _, _ in models.asked] == ["coder", "planner", "coder"]
    assert "double(2): 2, not 4" in models.asked[2][1]
    assert "must be imported" in models.asked[2][1]


def test_the_review_thinks_and_the_fix_does_not() -> None:
    _, models = solve("review-fix", coder_and_review("VERDICT: bugs"))
    assert [thinking for _, _, thinking in models.asked] == [False, True, False]


@pytest.mark.parametrize(
    "review",
    [
        "I think that it is fine.",
        "",
        ("VERDICT: bugs", "length"),
        "VERDICT: bugs\nNo wait, let me look again",
    ],
)
def test_a_review_without_a_verdict_keeps_the_draft_and_is_recorded(
    review: str | tuple[str, str],
) -> None:
    solution, models = solve("review-fix", coder_and_review(review))
    assert solution.program.strip() == BAD
    assert len(models.asked) == 2
    assert outcomes(solution)[1] == ("review", "review_unparsed")


@pytest.mark.parametrize("last", ["**VERDICT: bugs**", "Verdict: Bugs.", "VERDICT:  bugs\n\n"])
def test_a_verdict_is_found_in_its_usual_dressings(last: str) -> None:
    solution, _ = solve("review-fix", coder_and_review(f"- wrong\n{last}"))
    assert outcomes(solution)[1] == ("review", "bugs")


def test_a_fix_without_a_program_keeps_the_draft() -> None:
    solution, _ = solve("review-fix", coder_and_review("VERDICT: bugs", fixed="¿?"))
    assert solution.program.strip() == BAD
    assert outcomes(solution)[-1] == ("fix", "no_program")


def test_review_fix_sends_exactly_the_request_of_raw_coder() -> None:
    _, raw = solve("raw-coder", lambda _role, _turn: reply(GOOD))
    _, review = solve("review-fix", coder_and_review("VERDICT: correct"))
    assert raw.requests[0].key == review.requests[0].key


def test_gated_review_skips_the_review_of_a_lean_spec_only() -> None:
    solution, models = solve("gated-review", coder_and_review("VERDICT: bugs"), LEAN)
    assert len(models.asked) == 1
    assert outcomes(solution)[-1] == ("review", "skipped")
    _, models = solve("gated-review", coder_and_review("VERDICT: correct"), SPEC)
    assert len(models.asked) == 2


def test_enriched_review_reviews_against_the_notes() -> None:
    def script(role: str, turn: str) -> str:
        if role == "coder":
            return reply(GOOD if "reviewer" in turn else BAD)
        return "VERDICT: bugs" if "VERDICT" in turn else "NOTES ON TYPES"

    solution, models = solve("enriched-review", script)
    assert [role for role, _, _ in models.asked] == ["coder", "planner", "planner", "coder"]
    assert "NOTES ON TYPES" in models.asked[2][1]
    assert solution.program.strip() == GOOD


def adversaries(coder: str, planner: str, choice: str = "CHOICE: B") -> Script:
    def script(role: str, turn: str) -> str:
        if "CHOICE" in turn:
            return choice
        if "both programs fail" in turn:
            return "BOTH FORGET TO DOUBLE"
        if "third program" in turn:
            assert "BOTH FORGET TO DOUBLE" in turn
            return reply(GOOD)
        return reply(coder if role == "coder" else planner)

    return script


OTHER_GOOD = f"{GOOD}  # two"


def test_adversarial_takes_the_only_program_that_passes_the_examples() -> None:
    for coder, planner, chosen in ((GOOD, BAD, "coder"), (BAD, GOOD, "planner")):
        solution, models = solve("adversarial", adversaries(coder, planner))
        assert solution.program.strip() == GOOD
        assert len(models.asked) == 2
        assert solution.stages[-1].detail == chosen


def test_adversarial_lets_the_planner_pick_between_two_that_pass() -> None:
    async def everything_passes(_spec: Spec, _program: str) -> tuple[ExampleResult, ...]:
        return (ExampleResult(EXAMPLE, True),)

    for answer, expected in (("CHOICE: B", BAD), ("CHOICE: A", GOOD), ("neither", GOOD)):
        models = ScriptedModels(adversaries(GOOD, BAD, answer))
        attempt = Attempt(SPEC, models, everything_passes)
        program = asyncio.run(find_recipe("adversarial")(SPEC, attempt))
        assert program.strip() == expected
        assert [thinking for _, _, thinking in models.asked] == [False, False, True]


def test_adversarial_asks_nobody_to_choose_between_equal_programs() -> None:
    solution, models = solve("adversarial", adversaries(GOOD, GOOD))
    assert len(models.asked) == 2
    assert solution.stages[-1].detail == "equal programs"


def test_adversarial_synthesises_a_third_when_none_passes() -> None:
    solution, models = solve("adversarial", adversaries(BAD, BAD + "  # too"))
    assert solution.program.strip() == GOOD
    assert [role for role, _, _ in models.asked] == ["coder", "planner", "planner", "coder"]


@pytest.mark.parametrize("review", [("REWRITE IT ALL AND", "length"), ("", "length"), ("", "stop")])
def test_adversarial_hands_on_no_review_that_ran_out(review: tuple[str, str]) -> None:
    def script(role: str, turn: str) -> str | tuple[str, str]:
        if "both programs fail" in turn:
            return review
        return reply(BAD if role == "coder" else f"{BAD} * x")

    solution, models = solve("adversarial", script)
    request = models.asked[-1][1]
    assert "reviewer" not in request
    assert "REWRITE" not in request
    assert request.count("double(2) gave 2") == 2
    assert outcomes(solution)[-1][0] == "synthesis"


def test_a_plan_that_was_all_thought_leaves_the_coder_to_itself() -> None:
    def script(role: str, _turn: str) -> str | tuple[str, str]:
        return ("", "length") if role == "planner" else reply(GOOD)

    planned, models = solve("plan-code", script)
    _, alone = solve("raw-coder", script)
    assert models.requests[-1] == alone.requests[-1]
    assert outcomes(planned) == [("analysis", "truncated"), ("draft", "ok")]


def test_notes_that_were_all_thought_leave_the_review_of_review_fix() -> None:
    def script(role: str, turn: str) -> str | tuple[str, str]:
        if role == "planner":
            return "VERDICT: correct" if "VERDICT" in turn else ("", "length")
        return reply(BAD)

    _, enriched = solve("enriched-review", script)
    _, plain = solve("review-fix", script)
    assert enriched.requests[-1] == plain.requests[-1]


def test_retry_ends_when_the_examples_pass() -> None:
    script = coder_and_review("VERDICT: correct")
    solution, models = solve("raw-coder+retry", script)
    assert solution.program.strip() == GOOD
    assert len(models.asked) == 2
    assert "double(2) gave 2" in models.asked[1][1]
    assert outcomes(solution)[-1] == ("examples-2", "examples_passed")


def test_retry_ends_after_its_rounds() -> None:
    counter = iter(range(100))
    solution, models = solve(
        "raw-coder+retry", lambda _role, _turn: reply(f"{BAD}  # {next(counter)}")
    )
    assert len(models.asked) == 1 + 3
    assert solution.program.strip().endswith("# 3")


def test_retry_ends_when_the_program_does_not_change() -> None:
    _, models = solve("raw-coder+retry", lambda _role, _turn: reply(BAD))
    assert len(models.asked) == 2


def test_retry_asks_again_for_a_program_that_was_not_there() -> None:
    replies = iter(["no program here", reply(GOOD)])
    solution, models = solve("raw-coder+retry", lambda _role, _turn: next(replies))
    assert solution.program.strip() == GOOD
    assert len(models.asked) == 2


def test_all_stands_for_the_rows_of_the_papers_table() -> None:
    assert expand_names(("all",)) == paper_names()
    assert len(paper_names()) == 8
    assert expand_names(("raw-coder", "all", "raw-coder"))[0] == "raw-coder"


def test_an_unknown_name_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(UsageError) as error:
        expand_names(("reveiw-fix",))
    assert "There is no pipeline 'reveiw-fix'." in str(error.value)
    assert "review-fix" in error.value.remedy
    with pytest.raises(UsageError):
        expand_names(("canonical+retry",))


def test_a_name_can_be_registered_once() -> None:
    @pipeline("mine-for-a-test")
    async def mine(_spec: Spec, attempt: Attempt) -> str:
        return (await attempt.ask("coder", "hello")).text

    solution, _ = solve("mine-for-a-test", lambda _role, _turn: "x = 1")
    assert solution.program == "x = 1"
    with pytest.raises(UsageError, match="already"):
        pipeline("raw-coder")(mine)
    with pytest.raises(UsageError, match="cannot be the name"):
        pipeline("my+own")(mine)


def test_only_the_roles_that_are_asked_need_a_server() -> None:
    assert roles_of(("raw-coder",)) == ("coder",)
    assert roles_of(("raw-planner", "canonical")) == ("planner",)
    assert roles_of(("raw-planner+retry",)) == ("coder", "planner")
    assert roles_of(("canonical", "samples")) == ()
