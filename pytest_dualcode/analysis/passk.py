"""pass@k by the unbiased estimator of Chen et al. 2021 (arXiv 2107.03374, section 2.1)."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod


def pass_at_k(samples: int, correct: int, k: int) -> float:
    """Probability that at least one of `k` samples is right, drawn from `samples` without return.

    ``1 - C(n - c, k) / C(n, k)``, as a product so that no binomial coefficient overflows.
    Raises `ValueError` unless ``0 <= correct <= samples`` and ``1 <= k <= samples``.
    """
    if not 0 <= correct <= samples:
        raise ValueError(f"{correct} of {samples} samples cannot be right")
    if not 1 <= k <= samples:
        raise ValueError(f"pass@{k} needs at least {max(k, 1)} samples, there are {samples}")
    wrong = samples - correct
    if wrong < k:
        return 1.0
    return 1.0 - prod(1.0 - k / n for n in range(wrong + 1, samples + 1))


def mean_pass_at_k(counts: Iterable[tuple[int, int]], k: int) -> float | None:
    """Mean of `pass_at_k` over problems given as ``(samples, correct)``.

    ``None`` if there is no problem, or one has fewer than `k` samples.
    """
    listed = list(counts)
    if not listed or any(samples < k for samples, _ in listed):
        return None
    return sum(pass_at_k(samples, correct, k) for samples, correct in listed) / len(listed)
