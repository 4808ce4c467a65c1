"""The table of a league."""

import random
from typing import Any

LEAN = (
    "Return the teams of the matches [home, away, home goals, away goals] as a league table: "
    "3 points a win, 1 a draw; ties by goal difference, then goals scored, then name."
)


def league_table(matches: list[list[Any]]) -> list[str]:
    """Return the names of the teams in the order of the league table, best first.

    Each match is ``[home, away, home_goals, away_goals]``. A win gives 3 points, a draw 1 to each.
    Teams with equal points are ordered by goal difference (higher first), then by goals scored
    (higher first), then by name. Every team that occurs in a match is listed once.

    >>> league_table([["Oaks", "Elms", 2, 1], ["Elms", "Firs", 1, 1]])
    ['Oaks', 'Firs', 'Elms']
    >>> league_table([["B", "A", 0, 0]])
    ['A', 'B']
    >>> league_table([])
    []
    """
    rows: dict[str, list[int]] = {}
    for home, away, scored, conceded in matches:
        for team, plus, minus in ((home, scored, conceded), (away, conceded, scored)):
            row = rows.setdefault(team, [0, 0, 0])
            row[0] += 3 if plus > minus else int(plus == minus)
            row[1] += plus - minus
            row[2] += plus
    return sorted(rows, key=lambda team: ([-value for value in rows[team]], team))


def contract(matches: list[list[Any]]) -> None:
    assert all(len(match) == 4 and match[0] != match[1] for match in matches)
    assert all(isinstance(name, str) for match in matches for name in match[:2])
    assert all(isinstance(goals, int) and goals >= 0 for match in matches for goals in match[2:])


BASE: list[list[Any]] = [
    [[["Oaks", "Elms", 2, 1], ["Elms", "Firs", 1, 1]]],
    [[["B", "A", 0, 0]]],
    [[]],
    [[["A", "B", 1, 0], ["C", "D", 3, 2], ["E", "F", 3, 0]]],
]
EDGES: list[list[Any]] = [
    [[["A", "B", 2, 2], ["C", "D", 1, 1]]],
    [[["A", "B", 1, 0], ["B", "A", 1, 0]]],
    [[["A", "B", 1, 0], ["B", "C", 1, 0], ["C", "A", 2, 0]]],
    [[["A", "B", 0, 0], ["A", "C", 0, 0], ["A", "D", 0, 0], ["E", "F", 1, 0], ["E", "B", 0, 5]]],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    teams = [f"Team {letter}" for letter in "ABCDEFGH"]
    return [[[*rng.sample(teams, 2), rng.randint(0, 3), rng.randint(0, 3)] for _ in range(size)]]


def brute(matches: list[list[Any]]) -> list[str]:
    def row(team: str) -> tuple[int, int, int, str]:
        own = [(m[2], m[3]) for m in matches if m[0] == team]
        own += [(m[3], m[2]) for m in matches if m[1] == team]
        points = sum((p > m) * 3 + (p == m) for p, m in own)
        return -points, -sum(p - m for p, m in own), -sum(p for p, _ in own), team

    return [row(team)[3] for team in sorted({name for m in matches for name in m[:2]}, key=row)]


MUTANTS = [
    ("3 if plus", "2 if plus"),
    ("row[1] += plus - minus", "row[1] += 0"),
    ("row[2] += plus", "row[2] += 0"),
    ("team: ([-value for value in rows[team]], team)", "team: [-value for value in rows[team]]"),
]
