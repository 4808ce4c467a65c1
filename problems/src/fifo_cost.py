"""The cost of goods sold, first in first out."""

import random
from typing import Any

LEAN = (
    "Events [quantity, price] buy (positive) or sell (negative, price ignored) goods; oldest "
    "stock is sold first. Return the purchase cost of all that was sold, or -1 if a sale exceeds "
    "the stock."
)


def fifo_cost(events: list[list[int]]) -> int:
    """Return what the goods that were sold had cost, when the oldest stock is sold first.

    Each event is ``[quantity, price]``. A positive quantity is a purchase at that price for each
    piece. A negative quantity is a sale of that many pieces, taken from the oldest purchases that
    are still in stock; its price does not matter. A quantity of 0 changes nothing. The result is
    the sum of the purchase prices of all pieces sold, or -1 as soon as a sale asks for more pieces
    than are in stock.

    >>> fifo_cost([[10, 2], [10, 3], [-15, 9]])
    35
    >>> fifo_cost([[1, 5], [-2, 0]])
    -1
    >>> fifo_cost([[4, 5]])
    0
    """
    stock: list[list[int]] = []
    cost = 0
    for quantity, price in events:
        if quantity > 0:
            stock.append([quantity, price])
        wanted = max(-quantity, 0)
        while wanted:
            if not stock:
                return -1
            taken = min(wanted, stock[0][0])
            cost += taken * stock[0][1]
            wanted -= taken
            stock[0][0] -= taken
            if stock[0][0] == 0:
                stock.pop(0)
    return cost


def contract(events: list[list[int]]) -> None:
    assert all(len(event) == 2 for event in events)
    assert all(isinstance(quantity, int) for quantity, price in events)
    assert all(isinstance(price, int) and price >= 0 for quantity, price in events)


BASE: list[list[Any]] = [
    [[[10, 2], [10, 3], [-15, 9]]],
    [[[1, 5], [-2, 0]]],
    [[[4, 5]]],
    [[[2, 1], [-1, 0], [2, 4], [-2, 0]]],
]
EDGES: list[list[Any]] = [
    [[]],
    [[[0, 7]]],
    [[[-1, 3]]],
    [[[3, 2], [-3, 0], [-1, 0], [5, 1]]],
    [[[3, 2], [-3, 0], [3, 9], [-3, 0]]],
    [[[1, 1], [1, 2], [1, 3], [-2, 9], [0, 0], [-1, 9]]],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    events, held = [], 0
    for _ in range(size):
        low = -held if rng.random() < 0.98 else -held - 1
        quantity = rng.randint(max(low, -6), 6)
        held += quantity
        events.append([quantity, rng.randint(0, 20)])
    return [events]


def brute(events: list[list[int]]) -> int:
    pieces: list[int] = []
    sold = 0
    for quantity, price in events:
        pieces += [price] * quantity
        sold += max(-quantity, 0)
        if sold > len(pieces):
            return -1
    return sum(pieces[:sold])


MUTANTS = [
    ("stock[0][0] == 0", "True"),
    ("stock.append([quantity, price])", "stock.insert(0, [quantity, price])"),
    ("return -1", "return cost"),
    ("taken * stock[0][1]", "taken * price"),
]
