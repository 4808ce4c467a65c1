"""Puts the page together: sections, list, embedded data, style and script in one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from pytest_dualcode.analysis.detector import known_verdicts
from pytest_dualcode.analysis.paired import Comparison
from pytest_dualcode.report.context import Context
from pytest_dualcode.report.html import sections
from pytest_dualcode.report.html.data import (
    embedded,
    page_index,
    problem_block,
)
from pytest_dualcode.report.loading import Run
from pytest_dualcode.report.mechanism import all_causes, records_by_task
from pytest_dualcode.report.wording import origin

ASSETS = Path(__file__).parent / "assets"

# Nothing may be loaded from anywhere, and no text of a model may become a script or a form.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)


OUTCOMES = ("passed", "failed", "error", "improved", "regressed", "flipped")


def html_report(
    run: Run, context: Context | None = None, compared: Sequence[Comparison] = ()
) -> str:
    """The whole page for a run; `context` adds specs and richness, `compared` a baseline."""
    return "\n".join(_parts(run, context or Context(), compared))


def _parts(run: Run, context: Context, compared: Sequence[Comparison]) -> Iterator[str]:
    name = escape(run.directory.name)
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f"<title>{name}</title>"
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>\n{_asset('page.css')}</style>\n</head>\n<body>"
    yield f"<header><h1>{name}</h1>"
    yield '<nav><a href="#list">Problems</a></nav>'
    yield '<button id="theme" type="button">Dark mode</button></header>'
    yield f'<p class="soft">{escape(origin(run.settings, run.summary))}</p>'
    yield sections.settings(run.settings)
    yield from _sections(run, context, compared)
    yield from _list()
    yield from _data(run, context)
    yield f"<script>\n{_asset('page.js')}</script>\n</body>\n</html>\n"


def _sections(run: Run, context: Context, compared: Sequence[Comparison]) -> Iterator[str]:
    summary, comparisons = run.summary, run.comparisons()
    known = known_verdicts(run.records)
    if run.damage:
        yield f'<p class="note">{escape(run.damage)}</p>'
    yield f"<main>\n<h2>Results</h2>\n{sections.results(summary)}"
    yield sections.shares(summary)
    yield f"<h2>Is the difference real?</h2>\n{sections.differences(comparisons)}"
    if compared:
        yield f"<h2>Against the baseline</h2>\n{sections.differences(compared)}"
    yield "<h2>The reviewer under the microscope</h2>"
    yield sections.microscope(run.records, known, context.richness)
    yield f"<h2>Cost</h2>\n{sections.costs(summary, run.priced())}"
    yield f"<h2>Why solutions failed</h2>\n{sections.failures(run.records, comparisons)}"
    gained = sections.richness(run.records, comparisons, context)
    if gained:
        yield f"<h2>Gain and richness of the spec</h2>\n{gained}"


def _list() -> Iterator[str]:
    yield '<h2 id="list">Problems</h2>'
    yield (
        '<p class="soft keys"><kbd>/</kbd> filter, <kbd>j</kbd> <kbd>k</kbd> next and previous, '
        "<kbd>Enter</kbd> open and close, <kbd>d</kbd> dark mode. ✓ passed, ✗ failed, "
        "! error, ▲ improved and ▼ regressed against the reference pipeline.</p>"
    )
    yield '<form id="filters" name="filters" role="search">'
    yield (
        '<input type="search" name="text" placeholder="Filter by task or cause" '
        'aria-label="Filter by task or cause">'
    )
    yield _select("dataset", "all datasets")
    yield _select("pipeline", "any pipeline")
    yield _select("what", "any outcome", OUTCOMES)
    yield _select("kind", "any cause")
    yield '<span id="count" class="soft" role="status"></span></form>'
    yield '<noscript><p class="note">The list of problems needs JavaScript.</p></noscript>'
    yield '<ul id="problems"></ul>\n</main>'


def _select(name: str, default: str, values: Sequence[str] = ()) -> str:
    options = "".join(f"<option>{value}</option>" for value in values)
    return (
        f'<select name="{name}" aria-label="{default}"><option value="">{default}</option>'
        f"{options}</select>"
    )


def _data(run: Run, context: Context) -> Iterator[str]:
    causes, known, calls = all_causes(run.records), known_verdicts(run.records), run.calls()
    yield _block("index", page_index(run, causes))
    for place, (task, records) in enumerate(records_by_task(run.records).items()):
        spec = context.prompts.get(task)
        yield _block(f"problem-{place}", problem_block(records, calls, causes, known, spec))


def _block(name: str, data: object) -> str:
    return f'<script type="application/json" id="{name}">{embedded(data)}</script>'


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")
