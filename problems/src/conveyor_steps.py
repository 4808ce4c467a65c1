"""A robot on a floor with conveyor belts."""

import random
from typing import Any

LEAN = (
    "Fewest steps of a robot from 'S' to 'E' on a grid: four directions, '#' is a wall, and from a "
    "belt '<', '>', '^' or 'v' it can only leave in that direction. Return -1 if impossible."
)


def conveyor_steps(floor: list[str]) -> int:
    """Return the fewest steps that a robot needs from ``S`` to ``E``.

    The floor is a grid of equally long rows. A step leads to the cell above, below, left or right,
    but never off the grid or onto a wall ``#``. From a conveyor belt (``<``, ``>``, ``^`` or
    ``v``) the only possible step is in the belt's direction, which may be blocked for good. ``.``,
    ``S`` and ``E`` can be left in every direction. There is exactly one ``S`` and one ``E``. If
    ``E`` cannot be reached, the result is -1.

    >>> conveyor_steps(["S.E"])
    2
    >>> conveyor_steps(["S#E", "..."])
    4
    >>> conveyor_steps(["S<E", ".#.", "..."])
    6
    >>> conveyor_steps(["S<E"])
    -1
    """
    moves = {"^": [(-1, 0)], "v": [(1, 0)], "<": [(0, -1)], ">": [(0, 1)]}
    free = [(-1, 0), (1, 0), (0, -1), (0, 1)]
    cells = {(r, c): cell for r, row in enumerate(floor) for c, cell in enumerate(row)}
    start = next(place for place, cell in cells.items() if cell == "S")
    steps = {start: 0}
    queue = [start]
    for row, column in queue:
        cell = cells[row, column]
        if cell == "E":
            return steps[row, column]
        for down, right in moves.get(cell, free):
            place = (row + down, column + right)
            if cells.get(place, "#") != "#" and place not in steps:
                steps[place] = steps[row, column] + 1
                queue.append(place)
    return -1


def contract(floor: list[str]) -> None:
    assert len(floor) >= 1
    assert all(len(row) == len(floor[0]) for row in floor)
    assert all(cell in ".#SE<>^v" for row in floor for cell in row)
    assert "".join(floor).count("S") == 1
    assert "".join(floor).count("E") == 1


BASE: list[list[Any]] = [
    [["S.E"]],
    [["S#E", "..."]],
    [["S<E", ".#.", "..."]],
    [["S<E"]],
    [["S>E", "..."]],
]
EDGES: list[list[Any]] = [
    [["SE"]],
    [["S", "E"]],
    [["E", "S"]],
    [["S#E"]],
    [["Sv.E", ".>.^"]],
    [["S>#E", "...."]],
    [["S^E", "..."]],
    [[".>.", "S#E", ".<."]],
    [["Sv#", "#>E"]],
    [["E<<<S"]],
    [["S>>v", "###v", "E<<<"]],
    [["S<<v", "^##v", "^<<E"]],
    [["...", ".S.", "vE."]],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    rows, columns = rng.randint(1, 3 + size // 8), rng.randint(2, 4 + size // 8)
    cells = [rng.choice("......#<>^v##v>") for _ in range(rows * columns)]
    first, last = rng.sample(range(rows * columns), 2)
    cells[first], cells[last] = "S", "E"
    return [["".join(cells[r * columns : (r + 1) * columns]) for r in range(rows)]]


def brute(floor: list[str]) -> int:
    """Spread the set of reachable cells until it stops growing."""
    width = len(floor[0]) + 1
    line = "#" * width + "".join(row + "#" for row in floor) + "#" * width
    ways = {"^": [-width], "v": [width], "<": [-1], ">": [1]}
    reached = {line.index("S")}
    for count in range(1, len(line)):
        grown = {at + way for at in reached for way in ways.get(line[at], [1, -1, width, -width])}
        reached |= {at for at in grown if line[at] != "#"}
        if line.index("E") in reached:
            return count
    return -1


MUTANTS = [
    ("moves.get(cell, free)", "free"),
    ('"^": [(-1, 0)], "v": [(1, 0)]', '"v": [(-1, 0)], "^": [(1, 0)]'),
    ("for row, column in queue:", "for row, column in queue[:1]:"),
    ('cells.get(place, "#")', 'cells.get((place[0], place[1] % len(floor[0])), "#")'),
    ("return -1", "return 0"),
]
