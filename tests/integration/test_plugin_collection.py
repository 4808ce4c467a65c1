"""What a session collects: node ids, -k, --limit, --lf, explicit ids."""

from __future__ import annotations

from pathlib import Path

import pytest
from sums import COUNT, PROGRAMS, write_samples, write_sums, wrong

ALL = [f"canonical-Sum/{number}-add_{number}" for number in range(COUNT)]


@pytest.fixture
def sums(pytester: pytest.Pytester) -> Path:
    return write_sums(pytester.path)


def collected(pytester: pytest.Pytester, *options: str) -> list[str]:
    """Return the bracketed parts of the collected node ids."""
    result = pytester.runpytest_subprocess("--collect-only", "-q", *options)
    begin = "dualcode::test_problem["
    return [line[len(begin) : -1] for line in result.outlines if line.startswith(begin)]


def test_nothing_is_collected_without_a_pipeline(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_mine="def test_mine(): pass")
    result = pytester.runpytest_subprocess("-q")
    result.assert_outcomes(passed=1)


def test_problems_come_in_order_under_short_ids(pytester: pytest.Pytester, sums: Path) -> None:
    assert collected(pytester, "--pipeline=canonical", f"--dataset={sums}") == ALL


def test_pipelines_multiply_the_items(pytester: pytest.Pytester, sums: Path) -> None:
    ids = collected(pytester, "--pipeline=raw-coder,canonical", f"--dataset={sums}")
    assert ids[:COUNT] == [name.replace("canonical", "raw-coder") for name in ALL]
    assert ids[COUNT:] == ALL


def test_a_projects_own_tests_do_not_run_beside_the_problems(
    pytester: pytest.Pytester, sums: Path
) -> None:
    pytester.makepyfile(test_mine="def test_mine(): pass")
    result = pytester.runpytest_subprocess("--pipeline=canonical", f"--dataset={sums}")
    result.assert_outcomes(passed=COUNT)


def test_k_selects_by_entry_point_and_by_task(pytester: pytest.Pytester, sums: Path) -> None:
    options = ("--pipeline=canonical", f"--dataset={sums}")
    assert collected(pytester, *options, "-k", "add_3") == [ALL[3]]
    assert collected(pytester, *options, "-k", "Sum/4") == [ALL[4]]


def test_k_that_selects_nothing_starts_nothing(pytester: pytest.Pytester, sums: Path) -> None:
    result = pytester.runpytest_subprocess(
        "--pipeline=canonical", f"--dataset={sums}", "-k", "no_such_name"
    )
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_limit_is_a_growing_subset_in_the_fixed_order(
    pytester: pytest.Pytester, sums: Path
) -> None:
    options = ("--pipeline=canonical", f"--dataset={sums}")
    two, three = (collected(pytester, *options, f"--limit={n}") for n in (2, 3))
    assert len(two) == 2
    assert set(two) < set(three)
    assert three == [name for name in ALL if name in three]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_explicit_node_id_runs_that_item(
    pytester: pytest.Pytester, sums: Path, workers: str
) -> None:
    result = pytester.runpytest_subprocess(
        "--pipeline=canonical",
        f"--dataset={sums}",
        f"-n{workers}",
        "-v",
        f"dualcode::test_problem[{ALL[2]}]",
    )
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*dualcode::test_problem[[]canonical-Sum/2-add_2[]]*"])


def test_an_unknown_node_id_is_a_usage_error(pytester: pytest.Pytester, sums: Path) -> None:
    result = pytester.runpytest_subprocess(
        "--pipeline=canonical", f"--dataset={sums}", "dualcode::test_problem[canonical-Sum/99-x]"
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no item dualcode::*canonical-Sum/99-x*", "*similar: *Sum*"])


def test_dualcode_and_a_folder_run_side_by_side(pytester: pytest.Pytester, sums: Path) -> None:
    pytester.makepyfile(test_mine="def test_mine(): pass")
    result = pytester.runpytest_subprocess(
        "--pipeline=canonical", f"--dataset={sums}", "dualcode", "test_mine.py", "-n2"
    )
    result.assert_outcomes(passed=COUNT + 1)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_lf_runs_the_failed_problems_again(
    pytester: pytest.Pytester, sums: Path, workers: str
) -> None:
    solutions = {f"Sum/{n}": text for n, text in enumerate(PROGRAMS.values())}
    samples = write_samples(pytester.path / "s.jsonl", {**solutions, "Sum/3": wrong(3)})
    options = (f"--samples={samples}", f"--dataset={sums}", f"-n{workers}", "--run-dir")
    pytester.runpytest_subprocess(*options, "first").assert_outcomes(passed=COUNT - 1, failed=1)
    result = pytester.runpytest_subprocess(*options, "second", "--lf")
    result.assert_outcomes(failed=1)


def test_several_samples_of_a_problem_are_numbered(pytester: pytest.Pytester, sums: Path) -> None:
    file = pytester.path / "s.jsonl"
    one = write_samples(file, {"Sum/1": wrong(1)}).read_text()
    two = write_samples(file, {"Sum/2": PROGRAMS["add_2"]}).read_text()
    file.write_text(one + two + one)
    ids = collected(pytester, f"--samples={file}", f"--dataset={sums}")
    assert ids == ["samples-Sum/1-add_1-s0", "samples-Sum/1-add_1-s1", "samples-Sum/2-add_2"]


def test_a_conftest_registers_a_pipeline(pytester: pytest.Pytester, sums: Path) -> None:
    pytester.makeconftest(
        """
        from pytest_dualcode.pipelines import draft, pipeline

        @pipeline("mine")
        async def mine(spec, attempt):
            return await draft(spec, attempt)
        """
    )
    ids = collected(pytester, "--pipeline=mine+retry", f"--dataset={sums}")
    assert ids[0] == "mine+retry-Sum/0-add_0"
