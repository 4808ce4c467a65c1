"""How the problems get into a pytest session: an argument that stands for all of them."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_dualcode.errors import UsageError
from pytest_dualcode.plugin.catalogue import NODE_PATH

if TYPE_CHECKING:
    from pytest_dualcode.plugin.runtime import Runtime

ITEMS_FILE = Path(__file__).with_name("problem_items.py")
"""The module that holds `test_problem`; shipped with the package, so it works in any folder."""


class ProblemsModule(pytest.Module):
    """`ITEMS_FILE` under a short node id, the same on every machine: ``dualcode::...``."""

    @classmethod
    def at(cls, parent: pytest.Collector, path: Path) -> ProblemsModule:
        """Return the collector; its id does not depend on where the package is installed."""
        node_id = type(parent.id)(path=NODE_PATH)
        module: ProblemsModule = cls.from_parent(parent, path=path, nodeid=node_id)
        return module


def choose_arguments(config: pytest.Config, runtime: Runtime) -> None:
    """Make the session collect the problems.

    Without arguments it collects them alone, not ``testpaths`` too: ``pytest --pipeline=X`` in
    a project with tests of its own runs X. Arguments are kept; in them ``dualcode`` and node
    ids that begin with it stand for problems.
    """
    if config.args_source != pytest.Config.ArgsSource.ARGS:
        config.args[:] = [str(ITEMS_FILE)]
    else:
        config.args[:] = [translate(config, runtime, argument) for argument in config.args]


def translate(config: pytest.Config, runtime: Runtime, argument: str) -> str:
    """Return `argument` with ``dualcode`` replaced by the path of `ITEMS_FILE`.

    pytest prints node ids relative to where it was started, so ``../dualcode::...`` counts too.
    A real file or folder of that name wins.
    """
    path, separator, rest = argument.partition("::")
    if Path(path).name != NODE_PATH or (config.invocation_params.dir / path).exists():
        return argument
    if "[" in rest:
        check_node_id(runtime, f"{NODE_PATH}::{rest}")
    return f"{ITEMS_FILE}{separator}{rest}"


def check_node_id(runtime: Runtime, node_id: str) -> None:
    """Raise `UsageError` for an item that is not in the run; pytest's own would not name it."""
    known = runtime.catalogue.by_node_id
    if node_id not in known:
        similar = get_close_matches(node_id, known, n=3, cutoff=0)
        raise UsageError(
            f"There is no item {node_id} with these options.",
            "--pipeline and --dataset say which there are; similar: " + ", ".join(similar),
        )
