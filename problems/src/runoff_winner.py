"""An election by ranked ballots."""

import random
from typing import Any

LEAN = (
    "Ranked-choice election: count each ballot for its first name still in the race; a name with "
    "more than half of the counted ballots wins, otherwise the one with the fewest votes leaves "
    "(ties: alphabetically last). '' if no ballot has a name."
)


def runoff_winner(ballots: list[list[str]]) -> str:
    """Return the winner of an election in which every ballot ranks some of the candidates.

    All names that occur on a ballot are candidates. In each round every ballot counts for its
    first candidate who is still in the race; a ballot with none left does not count any more. A
    candidate with more than half of the ballots that count in this round wins. Otherwise the
    candidate with the fewest votes (possibly none) leaves the race; of several with equally few,
    the alphabetically last one leaves. Without any candidate the result is ``''``.

    >>> runoff_winner([["ann"], ["bob"], ["cat", "bob"]])
    'bob'
    >>> runoff_winner([["ann", "bob"], ["bob"]])
    'ann'
    >>> runoff_winner([])
    ''
    """
    running = {name for ballot in ballots for name in ballot}
    while running:
        votes = dict.fromkeys(running, 0)
        for ballot in ballots:
            left = [name for name in ballot if name in running]
            if left:
                votes[left[0]] += 1
        leader = max(running, key=lambda name: votes[name])
        if 2 * votes[leader] > sum(votes.values()):
            return leader
        fewest = min(votes.values())
        running.remove(max(name for name in running if votes[name] == fewest))
    return ""


def contract(ballots: list[list[str]]) -> None:
    assert all(isinstance(name, str) for ballot in ballots for name in ballot)
    assert all(len(set(ballot)) == len(ballot) for ballot in ballots)


BASE: list[list[Any]] = [
    [[["ann"], ["bob"], ["cat", "bob"]]],
    [[["ann", "bob"], ["bob"]]],
    [[]],
    [[["ann", "cat"], ["ann", "cat"], ["bob", "cat"], ["bob", "cat"], ["cat", "ann"]]],
]
EDGES: list[list[Any]] = [
    [[[]]],
    [[["zoe"]]],
    [[["x"], ["x"], ["x"], ["b", "aa"], ["b", "aa"], ["d", "aa"], ["d", "aa"]]],
    [[["b"], ["a"]]],
    [[["a", "z"], ["b", "z"], ["c", "z"]]],
    [[["a"], ["a"], ["b"], ["b"], ["c"], []]],
    [[["a", "c"], ["b", "c"], ["b", "a"], ["a", "b"]]],
    [[["d", "a"], ["c", "a"], ["b", "a"], ["b", "d"], ["c", "d"]]],
    [[["a"], ["b", "c"], ["c", "b"], ["d", "c"], ["a"], ["b"]]],
    # Exactly half, by one leader alone: `>=` would be wrong whatever the order of a set.
    [[["b"], ["b"], ["a"], ["c", "a"]]],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    names = ["ann", "bob", "cat", "dan", "eve", "fay"][: rng.randint(2, 6)]
    return [[rng.sample(names, rng.randint(0, len(names))) for _ in range(size)]]


def brute(ballots: list[list[str]]) -> str:
    """Recursion: strike the loser out of every ballot and count again."""
    names = sorted({name for ballot in ballots for name in ballot})
    if not names:
        return ""
    firsts = [ballot[0] for ballot in ballots if ballot]
    for name in names:
        if firsts.count(name) > len(firsts) / 2:
            return name
    loser = sorted(names, key=lambda name: (-firsts.count(name), name))[-1]
    return brute([[name for name in ballot if name != loser] for ballot in ballots])


MUTANTS = [
    ("2 * votes[leader] > sum(votes.values())", "2 * votes[leader] > len(ballots)"),
    ("2 * votes[leader] > sum(votes.values())", "2 * votes[leader] >= sum(votes.values())"),
    ("running.remove(max(", "running.remove(min("),
    ("fewest = min(votes.values())", "fewest = min(v for v in votes.values() if v)"),
    (" if votes[name] == fewest", ""),
]
