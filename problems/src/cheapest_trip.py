"""The cheapest trip with vouchers for half the price."""

import random
from typing import Any

LEAN = (
    "Cheapest fare from `start` to `goal` over two-way lines [a, b, fare], where up to `vouchers` "
    "rides may be had for half the fare (rounded down); -1 if there is no way."
)


def cheapest_trip(lines: list[list[Any]], start: str, goal: str, vouchers: int) -> int:
    """Return the lowest total fare of a trip from `start` to `goal`.

    Each line is ``[a, b, fare]`` and can be ridden in both directions; there may be several lines
    between the same two stops. Each of the `vouchers` halves the fare of one ride, rounded down; a
    ride takes at most one. Start and goal may be the same stop, which costs nothing, and may not
    be on any line. If there is no way, the result is -1.

    >>> cheapest_trip([["A", "B", 5], ["B", "C", 4], ["A", "C", 11]], "A", "C", 0)
    9
    >>> cheapest_trip([["A", "B", 5], ["B", "C", 4], ["A", "C", 11]], "A", "C", 1)
    5
    >>> cheapest_trip([["A", "B", 5]], "A", "D", 2)
    -1
    """
    import heapq

    rides: dict[str, list[tuple[str, int]]] = {}
    for a, b, fare in lines:
        rides.setdefault(a, []).append((b, fare))
        rides.setdefault(b, []).append((a, fare))
    queue = [(0, start, vouchers)]
    seen = set()
    while queue:
        paid, stop, left = heapq.heappop(queue)
        if stop == goal:
            return paid
        if (stop, left) in seen:
            continue
        seen.add((stop, left))
        for other, fare in rides.get(stop, []):
            heapq.heappush(queue, (paid + fare, other, left))
            if left:
                heapq.heappush(queue, (paid + fare // 2, other, left - 1))
    return -1


def contract(lines: list[list[Any]], start: str, goal: str, vouchers: int) -> None:
    assert all(len(line) == 3 for line in lines)
    assert all(isinstance(a, str) and isinstance(b, str) for a, b, fare in lines)
    assert all(isinstance(fare, int) and fare >= 0 for a, b, fare in lines)
    assert isinstance(start, str)
    assert isinstance(goal, str)
    assert isinstance(vouchers, int)
    assert 0 <= vouchers <= 5


TRIANGLE = [["A", "B", 5], ["B", "C", 4], ["A", "C", 11]]
BASE: list[list[Any]] = [
    [TRIANGLE, "A", "C", 0],
    [TRIANGLE, "A", "C", 1],
    [[["A", "B", 5]], "A", "D", 2],
    [TRIANGLE, "C", "A", 2],
]
EDGES: list[list[Any]] = [
    [[], "A", "A", 0],
    [[], "A", "B", 1],
    [[["B", "A", 7]], "A", "B", 1],
    [[["A", "B", 7], ["A", "B", 3]], "A", "B", 0],
    [[["A", "A", 1], ["A", "B", 2]], "A", "B", 5],
    [[["A", "B", 9], ["B", "C", 9], ["A", "C", 20]], "A", "C", 1],
    [[["A", "B", 1], ["B", "C", 1], ["A", "C", 3]], "A", "C", 2],
    [[["A", "B", 2], ["B", "C", 100], ["A", "C", 70]], "A", "C", 1],
    [[["A", "B", 0], ["B", "C", 0]], "A", "C", 0],
    [[["A", "B", 1], ["C", "D", 1]], "A", "D", 1],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    stops = "ABCDEFGHIJ"[: 3 + min(size // 6, 7)]
    count = rng.randint(2, 3 + size)
    lines = [[*rng.sample(stops, 2), rng.randint(0, 30)] for _ in range(count)]
    return [lines, *rng.sample(stops, 2), rng.randint(0, 3)]


def brute(lines: list[list[Any]], start: str, goal: str, vouchers: int) -> int:
    """Relax every line until nothing changes (Bellman-Ford), one price for each voucher count."""
    far = float("inf")
    stops = {start, goal, *(stop for line in lines for stop in line[:2])}
    cost = {(stop, left): far for stop in stops for left in range(vouchers + 1)}
    cost[start, vouchers] = 0
    for _ in range(len(cost)):
        for x, y, fare in lines:
            for a, b in ((x, y), (y, x)):
                for left in range(vouchers + 1):
                    cost[b, left] = min(cost[b, left], cost[a, left] + fare)
                    if left < vouchers:
                        cost[b, left] = min(cost[b, left], cost[a, left + 1] + fare // 2)
    best = min(cost[goal, left] for left in range(vouchers + 1))
    return -1 if best == far else int(best)


MUTANTS = [
    ("        rides.setdefault(b, []).append((a, fare))\n", ""),
    ("fare // 2", "(fare + 1) // 2"),
    ("(stop, left) in seen", "stop in {place for place, _ in seen}"),
    ("other, left - 1", "other, left"),
    ("return -1", "return 0"),
]
