"""The same problems with a rich and a lean spec: does a pipeline gain more where the spec is rich?

Problems with rich specs differ from others in more than their specs, so a trend of gain and
richness is no cause. Twins differ in nothing else. For each pair the pipeline's change (+1 mended,
0, -1 broken) with the rich spec is set against that with the lean one; only pairs where these
differ carry information, and a sign test decides (exact, two-sided).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_dualcode.analysis.paired import SIGNIFICANCE, mcnemar, p_phrase


@dataclass(frozen=True, slots=True)
class TwinGain:
    """`pairs` of twins: problems gained with either spec, and pairs where one gained more."""

    pairs: int
    gain_rich: int
    gain_lean: int
    more_rich: int
    more_lean: int

    @property
    def p_value(self) -> float:
        """Sign test of whether one of the specs gains more."""
        return mcnemar(self.more_lean, self.more_rich)


def twin_gain(
    changes: Mapping[str, tuple[bool, bool]], twins: Sequence[tuple[str, str]]
) -> TwinGain:
    """Compare the twins (rich task id, lean task id) whose both changes are known."""
    gains = [
        (_gain(changes[rich]), _gain(changes[lean]))
        for rich, lean in twins
        if rich in changes and lean in changes
    ]
    return TwinGain(
        pairs=len(gains),
        gain_rich=sum(rich for rich, _ in gains),
        gain_lean=sum(lean for _, lean in gains),
        more_rich=sum(rich > lean for rich, lean in gains),
        more_lean=sum(rich < lean for rich, lean in gains),
    )


def twins_in_words(found: TwinGain, title: str) -> str:
    """One sentence about the pipelines that `title` names."""
    verdict = "the specs matter" if found.p_value < SIGNIFICANCE else "cannot be told from noise"
    return (
        f"{title} {found.pairs} problems that have a rich and a lean spec: {found.gain_rich:+d} "
        f"problems with the rich specs, {found.gain_lean:+d} with the lean ones; {found.more_rich} "
        f"gained more with the rich spec, {found.more_lean} with the lean one (sign test, "
        f"{p_phrase(found.p_value)}): {verdict}."
    )


def _gain(change: tuple[bool, bool]) -> int:
    was, now = change
    return int(now) - int(was)
