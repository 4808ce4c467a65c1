"""Where the plugin's state hangs. A module of its own, since every session imports it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_dualcode.plugin.runtime import Runtime
    from pytest_dualcode.types import StageVerdict, Verdict

JOB = "dualcode_job"
"""In a worker's ``workerinput``: the `Job`, as text."""

PARCELS = "dualcode_parcels"
"""In a worker's ``workerinput``: the channel over which solutions come."""

PAUSE = "dualcode_pause"
"""In a worker's ``workerinput``, perhaps: seconds to wait before its set-up."""

RUNTIME: pytest.StashKey[Runtime] = pytest.StashKey()
"""On the config, in sessions with a pipeline only."""

JUDGED: pytest.StashKey[tuple[Verdict, tuple[StageVerdict, ...], tuple[bool, ...]]] = (
    pytest.StashKey()
)
"""On an item that has been judged: the verdict, its stages', and which visible examples pass."""
