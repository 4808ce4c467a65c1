"""Command line options, their ini keys and environment variables, and the `RunConfig` of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_dualcode.config import RunConfig
from pytest_dualcode.errors import UsageError


@dataclass(frozen=True, slots=True)
class Option:
    """One option: `flag` on the command line, ``dualcode_<name>`` in ini files.

    `convert` turns the text (from any of the three places) into the value; `env` is the
    environment variable that stands in where neither of the others is given.
    """

    flag: str
    metavar: str
    help: str
    convert: Callable[[str], Any] = str
    env: str = ""
    many: bool = False

    @property
    def name(self) -> str:
        """The field of `RunConfig` or the argparse destination that the option sets."""
        return self.flag.removeprefix("--").replace("-", "_")

    @property
    def ini(self) -> str:
        """The key in ``pyproject.toml`` or ``pytest.ini``."""
        return f"dualcode_{self.name}"


def split_names(text: str) -> tuple[str, ...]:
    """Return the names in a comma-separated list."""
    return tuple(name for part in text.split(",") if (name := part.strip()))


OPTIONS = (
    Option(
        "--pipeline",
        "NAMES",
        "how to solve the problems: comma-separated or repeated names, or 'all' for the paper's "
        "(default: none, and no problem is collected)",
        split_names,
        many=True,
    ),
    Option(
        "--dataset",
        "NAMES",
        "humaneval, mbpp, own, own-lean, or the path of a local set in EvalPlus's schema "
        "(default: humaneval,mbpp)",
        split_names,
        many=True,
    ),
    Option(
        "--profile",
        "NAME",
        "models and servers: paper, one-gpu, same, small, tiny, one of your dualcode.toml in the "
        "root directory, or auto (default: auto)",
    ),
    Option(
        "--coder-url",
        "URLS",
        "attach to running OpenAI-compatible servers for the coder instead of launching one; "
        "several, comma-separated, are balanced (default: launch)",
        split_names,
        env="DUALCODE_CODER_URL",
        many=True,
    ),
    Option(
        "--planner-url",
        "URLS",
        "the same for the planner (default: launch)",
        split_names,
        env="DUALCODE_PLANNER_URL",
        many=True,
    ),
    Option("--coder-model", "NAME", "served name, or what to launch (default: the profile's)"),
    Option("--planner-model", "NAME", "served name, or what to launch (default: the profile's)"),
    Option(
        "--server-python",
        "PATH",
        "the Python that has vLLM, if it is another environment (default: the one pytest runs in)",
        env="DUALCODE_SERVER_PYTHON",
    ),
    Option(
        "--servers",
        "WHAT",
        "what becomes of launched servers at the end: stop, or keep for the next run with the same "
        "models and flags (default: stop)",
        env="DUALCODE_SERVERS",
    ),
    Option(
        "--servers-idle",
        "MINUTES",
        "a kept server ends when no run has used it for so long (default: 30)",
        float,
        env="DUALCODE_SERVERS_IDLE",
    ),
    Option("--max-in-flight", "N", "calls at a time for each role (default: the profile's)", int),
    Option("--retries", "N", "rounds of +retry (default: 3)", int),
    Option("--samples", "FILE", "judge the solutions of this EvalPlus samples.jsonl", Path),
    Option("--run-dir", "DIR", "where to write (default: reports/<date-time>-<pipelines>)", Path),
    Option("--resume", "DIR", "continue this run; finished calls are not repeated", Path),
    Option("--replay", "DIR", "answer every call from this run, fail on a miss; no server", Path),
    Option("--rejudge", "DIR", "judge the stored solutions of this run again", Path),
    Option("--baseline", "DIR", "compare with this finished run, problem by problem", Path),
    Option(
        "--min-pass-at-1",
        "X",
        "the exit status says whether plus pass@1 reaches X, a share from 0 to 1",
        float,
    ),
    Option(
        "--max-regressions",
        "N",
        "the exit status says whether at most N problems of --baseline got worse",
        int,
    ),
    Option("--limit", "N", "a fixed pseudo-random subset of N problems (default: all)", int),
    Option(
        "--samples-per-problem",
        "N",
        "solve each problem N times, for pass@k; needs --temperature (default: 1)",
        int,
    ),
    Option("--temperature", "T", "of every call (default: the profile's, or 0, greedy)", float),
    Option(
        "--repeat",
        "N",
        "solve each problem N times greedily and report how many verdicts flip (default: 1)",
        int,
    ),
    Option(
        "--call-timeout",
        "SECONDS",
        "deadline of an attempt; a call with its retries has twice that (600)",
        float,
    ),
    Option("--item-timeout", "SECONDS", "deadline of an item's calls together (3600)", float),
    Option("--judge", "NAME", "dualcode, or evalplus for its verdicts bug for bug (dualcode)"),
)


def add_options(parser: pytest.Parser) -> None:
    """Register the option group ``dualcode`` and its ini keys."""
    group = parser.getgroup("dualcode", "two-model code pipelines (pytest-dualcode)")
    for option in OPTIONS:
        action = "append" if option.many else "store"
        group.addoption(
            option.flag,
            action=action,
            dest=f"dualcode_{option.name}",
            metavar=option.metavar,
            help=option.help,
        )
        parser.addini(option.ini, f"the same as {option.flag}", default="")
    group.addoption(
        "--allow-unsafe-judge",
        action="store_true",
        dest="dualcode_allow_unsafe_judge",
        help="judge also where hostile solutions cannot be jailed (below level L2)",
    )
    group.addoption(
        "--dry-run",
        action="store_true",
        dest="dualcode_dry_run",
        help="print the commands of the servers and how many items are selected; start nothing",
    )
    unsafe = "dualcode_allow_unsafe_judge"
    parser.addini(unsafe, "the same as --allow-unsafe-judge", type="bool", default=False)


def given(config: pytest.Config, option: Option) -> Any:
    """Return the option's value from command line, ini file or environment, or ``None``.

    Raises `UsageError` for a text that cannot be converted.
    """
    raw = config.getoption(f"dualcode_{option.name}")
    text = ",".join(raw) if option.many and raw else raw
    if text is not None and not text.strip(", "):
        raise UsageError(f"{option.flag} is empty.", f"{option.flag}: {option.help}.")
    text = text or config.getini(option.ini) or (os.environ.get(option.env) if option.env else "")
    if not text:
        return None
    try:
        return option.convert(text)
    except ValueError:
        raise UsageError(
            f"{option.flag}={text} is not a number.", f"{option.flag}: {option.help}."
        ) from None


PROFILES = "dualcode.toml"
"""Profiles of the user's own, in the root directory."""

RENAMED = {
    "pipeline": "pipelines",
    "dataset": "datasets",
    "coder_url": "coder_urls",
    "planner_url": "planner_urls",
}
"""Options whose field of `RunConfig` is called otherwise."""

KEPT = (
    "pipelines",
    "datasets",
    "limit",
    "profile",
    "coder_urls",
    "planner_urls",
    "coder_model",
    "planner_model",
    "retries",
    "samples_per_problem",
    "temperature",
    "repeat",
    "judge",
)
"""What ``--resume``, ``--replay`` and ``--rejudge`` take from the earlier run if not given.

All that decides which items there are, what is asked, and how it is judged.
"""


def stored_settings(run_dir: Path) -> dict[str, Any]:
    """Return the settings of an earlier run that need not be typed again."""
    from pytest_dualcode.store import RunStore

    stored = RunStore.open(run_dir).settings().get("settings")
    if not isinstance(stored, dict):
        return {}
    found = {name: stored[name] for name in KEPT if stored.get(name) not in (None, [])}
    lists = {name: tuple(value) for name, value in found.items() if isinstance(value, list)}
    return {**found, **lists}


def build_config(config: pytest.Config) -> RunConfig | None:
    """Return the validated settings, or ``None`` when no pipeline is asked for."""
    values = {option.name: given(config, option) for option in OPTIONS}
    values = {name: value for name, value in values.items() if value is not None}
    values = {RENAMED.get(name, name): value for name, value in values.items()}
    pipelines = values.pop("pipelines", ())
    for earlier in ("resume", "replay", "rejudge"):
        if earlier in values:
            stored = stored_settings(absolute(config, values[earlier]))
            pipelines = pipelines or stored.pop("pipelines", ())
            values = {**stored, **values}
            if not pipelines:
                raise UsageError(
                    f"{values[earlier]} does not say which pipelines it ran.",
                    "Add --pipeline=NAMES.",
                )
    values.pop("pipelines", None)
    if "resume" in values and "run_dir" in values:
        raise UsageError(
            "--resume writes into the run that it continues; --run-dir names another.",
            "Leave one of them out.",
        )
    if "samples" in values and "samples" not in pipelines:
        pipelines = (*pipelines, "samples")
    if not pipelines:
        refuse_without_pipeline(config)
        return None
    unsafe = "dualcode_allow_unsafe_judge"
    values["allow_unsafe_judge"] = config.getoption(unsafe) or config.getini(unsafe)
    values["dry_run"] = config.getoption("dualcode_dry_run")
    profiles = config.rootpath / PROFILES
    values["profile_file"] = profiles if profiles.is_file() else None
    values.setdefault("run_dir", values.get("resume") or default_run_dir(config, pipelines))
    values = {name: absolute(config, value) for name, value in values.items()}
    if "datasets" in values:
        values["datasets"] = tuple(dataset_name(config, name) for name in values["datasets"])
    if values.get("server_python"):
        values["server_python"] = str(Path(values["server_python"]).expanduser())
    return RunConfig(pipelines=pipelines, **values)


def refuse_without_pipeline(config: pytest.Config) -> None:
    """Raise `UsageError` for an option on the command line that is nothing without a pipeline."""
    if config.getoption("dualcode_dry_run"):
        raise UsageError("--dry-run needs a pipeline.", "Add --pipeline=NAMES.")
    for name in ("min_pass_at_1", "max_regressions"):
        if config.getoption(f"dualcode_{name}") is not None:
            flag = "--" + name.replace("_", "-")
            raise UsageError(f"{flag} needs a pipeline to gate.", "Add --pipeline=NAMES.")


def absolute(config: pytest.Config, value: Any) -> Any:
    """Return paths relative to where pytest was started as absolute ones; the rest as it is.

    A shell does not expand ``~`` after ``=``, so it is done here.
    """
    folder = config.invocation_params.dir
    return folder / value.expanduser() if isinstance(value, Path) else value


def dataset_name(config: pytest.Config, name: str) -> str:
    """Return `name`, made absolute if it is the path of a local set."""
    path = absolute(config, Path(name))
    return str(path) if name.endswith((".jsonl", ".jsonl.gz")) and path.exists() else name


def default_run_dir(config: pytest.Config, pipelines: tuple[str, ...]) -> Path:
    """Return ``reports/<date-time>-<pipelines>`` below the root directory."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    wanted = config.rootpath / "reports" / f"{stamp}-{'-'.join(pipelines)[:80]}"
    return wanted if not wanted.exists() else wanted.with_name(f"{wanted.name}-{os.getpid()}")
