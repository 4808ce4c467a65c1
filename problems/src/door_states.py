"""A door with a lock."""

import random
from typing import Any

LEAN = (
    "A door starts closed and unlocked. Return its state ('open', 'closed', 'locked') after each "
    "event 'open', 'close', 'lock', 'unlock'; events impossible in a state change nothing, and "
    "three impossible ones in a row set it to 'alarm' for good."
)


def door_states(events: list[str]) -> list[str]:
    """Return the state of a door after each event.

    The door starts ``closed``. ``open`` turns closed into ``open``, ``close`` turns open into
    closed, ``lock`` turns closed into ``locked`` and ``unlock`` turns locked into closed. Any
    other event in a state is impossible and leaves the state as it is. The third impossible event
    in a row (without a possible one between) turns the state to ``alarm``, which nothing changes
    any more.

    >>> door_states(["lock", "open", "unlock", "open"])
    ['locked', 'locked', 'closed', 'open']
    >>> door_states(["close", "close", "close", "open"])
    ['closed', 'closed', 'alarm', 'alarm']
    >>> door_states([])
    []
    """
    moves = {
        ("closed", "open"): "open",
        ("open", "close"): "closed",
        ("closed", "lock"): "locked",
        ("locked", "unlock"): "closed",
    }
    state, refused, states = "closed", 0, []
    for event in events:
        if (state, event) in moves:
            state, refused = moves[state, event], 0
        else:
            refused += 1
        if refused == 3:
            state = "alarm"
        states.append(state)
    return states


def contract(events: list[str]) -> None:
    assert all(event in ("open", "close", "lock", "unlock") for event in events)


BASE: list[list[Any]] = [
    [["lock", "open", "unlock", "open"]],
    [["close", "close", "close", "open"]],
    [[]],
    [["open", "lock", "close", "lock"]],
]
EDGES: list[list[Any]] = [
    [["open", "open", "open", "close", "open"]],
    [["lock", "lock", "lock", "unlock", "lock"]],
    [["close", "unlock", "close", "unlock", "open"]],
    [["lock", "open", "open", "close", "unlock"]],
    [["close", "open", "lock", "unlock", "open", "close"]],
    [["open", "unlock", "lock", "close", "close", "close", "open"]],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    """Mostly possible events, so that the alarm comes late."""
    state, events = "closed", []
    choices = {"closed": ["open", "lock"], "open": ["close"], "locked": ["unlock"]}
    after = {"open": "open", "close": "closed", "lock": "locked", "unlock": "closed"}
    for _ in range(size):
        if rng.random() < 0.3:
            events.append(rng.choice(["open", "close", "lock", "unlock"]))
            state = after[events[-1]] if events[-1] in choices[state] else state
        else:
            events.append(rng.choice(choices[state]))
            state = after[events[-1]]
    return [events]


def brute(events: list[str]) -> list[str]:
    is_open, is_locked, history = False, False, ""
    states = []
    for event in events:
        possible = {
            "open": not is_open and not is_locked,
            "close": is_open,
            "lock": not is_open and not is_locked,
            "unlock": is_locked,
        }[event]
        if possible and "xxx" not in history:
            is_open = event == "open"
            is_locked = event == "lock"
        history += "." if possible else "x"
        name = "open" if is_open else "locked" if is_locked else "closed"
        states.append("alarm" if "xxx" in history else name)
    return states


MUTANTS = [
    ("refused == 3", "refused == 4"),
    ("moves[state, event], 0", "moves[state, event], refused"),
    ('("closed", "lock"): "locked"', '("open", "lock"): "locked"'),
    (
        'if refused == 3:\n            state = "alarm"\n        states.append(state)',
        'states.append("alarm" if refused == 3 else state)',
    ),
]
