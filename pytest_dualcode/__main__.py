"""`python -m pytest_dualcode`: reports of stored runs, and the servers that runs have kept.

Exit status: 0 done, 1 a gate did not hold, 2 wrong use or an unreadable run.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_dualcode.analysis.cost import Rates, costs
from pytest_dualcode.analysis.gates import gate
from pytest_dualcode.errors import DualcodeError, StoreError, UsageError
from pytest_dualcode.models.warm_cli import add_servers
from pytest_dualcode.report.compare import comparison_lines
from pytest_dualcode.report.evalplus_export import export_evalplus
from pytest_dualcode.report.loading import Run, compare_loaded, load_run
from pytest_dualcode.report.publish import publish
from pytest_dualcode.report.story import story_lines
from pytest_dualcode.report.tables import cost_table, text_table
from pytest_dualcode.report.terminal import summary_lines
from pytest_dualcode.report.writing import run_context, write_reports

DONE, GATE_FAILED, WRONG_USE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.command(options)
    except DualcodeError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USE
    except BrokenPipeError:
        # The reader (`head`, a pager) has seen enough; Python would complain again at exit.
        sys.stderr.close()
        return DONE
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pytest_dualcode",
        description="Reports and exports of stored pytest-dualcode runs, and kept servers.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_report(commands)
    _add_compare(commands)
    _add_export(commands)
    _add_show(commands)
    add_servers(commands.add_parser("servers", help="show or stop servers of --servers=keep"))
    return parser


Commands = argparse._SubParsersAction


def _add_report(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("report", help="write summary.md and report.html again")
    parser.add_argument("run", type=Path, metavar="DIR", help="a run directory")
    parser.add_argument(
        "--baseline", type=Path, metavar="DIR", help="compare with this run (default: none)"
    )
    parser.add_argument(
        "--price-per-hour",
        type=float,
        metavar="X",
        help="what all servers together cost an hour; prints what the run cost (default: none)",
    )
    parser.set_defaults(command=_report)


def _add_compare(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("compare", help="compare two runs, problem by problem")
    parser.add_argument("baseline", type=Path, metavar="BASELINE", help="a run directory")
    parser.add_argument("run", type=Path, metavar="DIR", help="the run to judge against it")
    parser.add_argument(
        "--tests", choices=("plus", "base"), default="plus", help="which tests (default: plus)"
    )
    parser.add_argument(
        "--max-regressions",
        type=int,
        metavar="N",
        help="exit with 1 if a pipeline loses more than N problems (default: no limit)",
    )
    parser.set_defaults(command=_compare)


def _add_export(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("export", help="write a run in another tool's format")
    parser.add_argument("run", type=Path, metavar="DIR", help="a run directory")
    parser.add_argument(
        "--evalplus",
        action="store_true",
        help="EvalPlus's samples.jsonl and eval_results.json, below DIR/evalplus",
    )
    parser.add_argument(
        "--verdicts",
        type=Path,
        metavar="OUT",
        help="settings, verdicts and summary without benchmark text, as a run directory OUT",
    )
    parser.set_defaults(command=_export)


def _add_show(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("show", help="one problem's whole story")
    parser.add_argument("run", type=Path, metavar="DIR", help="a run directory")
    parser.add_argument("task_id", metavar="TASK_ID", help="for example HumanEval/0")
    parser.add_argument("--pipeline", metavar="NAME", help="only this one (default: all)")
    parser.set_defaults(command=_show)


def _report(options: argparse.Namespace) -> int:
    written = write_reports(options.run, baseline=options.baseline)
    _warn_of_damage(written.run)
    lines = summary_lines(
        written.run.summary,
        _width(),
        comparisons=written.run.comparisons(),
        against_baseline=written.against_baseline,
        report=written.report,
    )
    print("\n".join(lines))
    if options.price_per_hour is not None:
        print("\n".join(_price(written.run, options.price_per_hour)))
    return DONE


def _price(run: Run, price_per_hour: float) -> list[str]:
    if price_per_hour < 0:
        raise UsageError("--price-per-hour is negative.", "Give what the servers cost an hour.")
    rates = Rates.of(run.settings, price_per_hour)
    header, rows = cost_table(costs(run.summary, run.calls(), rates))
    title = f"cost at {price_per_hour:g} an hour for all servers, shared calls counted in each row"
    return ["", title, *text_table(header, rows, _width())]


def _compare(options: argparse.Namespace) -> int:
    baseline, run = load_run(options.baseline), load_run(options.run)
    _warn_of_damage(baseline)
    _warn_of_damage(run)
    comparisons = compare_loaded(baseline, run, options.tests)
    print("\n".join(comparison_lines(comparisons, _width())))
    if options.max_regressions is None:
        return DONE
    result = gate(run.summary, comparisons, max_regressions=options.max_regressions)
    print("\n".join(["", *result.lines]))
    return DONE if result.passed else GATE_FAILED


def _export(options: argparse.Namespace) -> int:
    if not options.evalplus and options.verdicts is None:
        raise UsageError("export needs a format.", "Add --evalplus or --verdicts=OUT.")
    run = load_run(options.run)
    _warn_of_damage(run)
    if options.verdicts is not None:
        print(f"{publish(run, options.verdicts).directory}: no program, reason or input in it")
    if options.evalplus:
        _export_evalplus(run)
    return DONE


def _export_evalplus(run: Run) -> None:
    context = run_context(run)
    for dataset, why in context.missing.items():
        print(
            f"warning: {dataset} is not padded to all its problems, so EvalPlus accepts the "
            f"export only if the run is complete. {why}",
            file=sys.stderr,
        )
    for export in export_evalplus(run.directory, run.records, context.task_ids, run.dataset_hashes):
        print(export.message())


def _show(options: argparse.Namespace) -> int:
    run = load_run(options.run)
    _warn_of_damage(run)
    records = [
        record
        for record in run.records
        if record.task_id == options.task_id and options.pipeline in (None, record.pipeline)
    ]
    if not records:
        raise StoreError(
            f"{run.directory} has no result for {options.task_id}"
            + (f" with {options.pipeline}." if options.pipeline else "."),
            f"It has {_known(run)}.",
        )
    print("\n".join(story_lines(records, run.calls())))
    return DONE


def _known(run: Run) -> str:
    """What may be asked for, in short: the first tasks, and the pipelines."""
    tasks = list(dict.fromkeys(record.task_id for record in run.records))
    pipelines = dict.fromkeys(record.pipeline for record in run.records)
    more = f" and {len(tasks) - 5} more" if len(tasks) > 5 else ""
    return f"{', '.join(tasks[:5])}{more}, with {', '.join(pipelines)}"


def _width() -> int:
    return max(40, min(120, shutil.get_terminal_size((80, 24)).columns))


def _warn_of_damage(run: Run) -> None:
    if run.damage:
        print(f"warning: {run.damage}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
