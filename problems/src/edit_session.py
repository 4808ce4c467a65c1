"""Typing with undo and redo."""

import random
from typing import Any

LEAN = (
    "Return the text after the commands 'type X' (append X), 'erase N' (drop up to N last "
    "characters), 'undo' and 'redo'; every type or erase forgets what could be redone; undo or "
    "redo with nothing to do is ignored."
)


def edit_session(commands: list[str]) -> str:
    """Return the text that a series of editor commands leaves, starting from the empty text.

    ``type X`` appends X, which is everything after the first space. ``erase N`` removes the last
    N characters, or all if there are fewer. ``undo`` takes back the last type or erase that is
    still in effect, also one that changed nothing. ``redo`` restores what the last undo took back.
    Several undos or redos go further. A type or erase forgets everything that could be redone. An
    undo or redo with nothing left is ignored.

    >>> edit_session(["type ab", "type c", "undo"])
    'ab'
    >>> edit_session(["type ab", "erase 1", "undo", "undo", "redo"])
    'ab'
    >>> edit_session(["type a", "undo", "type b", "redo"])
    'b'
    """
    history, place = [""], 0
    for command in commands:
        name, _, argument = command.partition(" ")
        if name == "undo":
            place = max(place - 1, 0)
        elif name == "redo":
            place = min(place + 1, len(history) - 1)
        else:
            text = history[place]
            text = text + argument if name == "type" else text[: max(len(text) - int(argument), 0)]
            place += 1
            history[place:] = [text]
    return history[place]


def contract(commands: list[str]) -> None:
    assert all(
        command in ("undo", "redo")
        or command.startswith("type ")
        or (command.startswith("erase ") and command[6:].isdigit())
        for command in commands
    )


BASE: list[list[Any]] = [
    [["type ab", "type c", "undo"]],
    [["type ab", "erase 1", "undo", "undo", "redo"]],
    [["type a", "undo", "type b", "redo"]],
    [["type hello", "erase 9", "type x y"]],
]
EDGES: list[list[Any]] = [
    [[]],
    [["undo", "redo"]],
    [["type a", "erase 0", "undo"]],
    [["erase 3", "type a", "undo", "undo", "undo", "redo", "redo", "redo"]],
    [["type a", "type b", "type c", "undo", "undo", "redo"]],
    [["type a", "type b", "undo", "type c", "undo", "undo"]],
    [["type undo", "undo", "redo"]],
    [["type a", "undo", "undo", "redo"]],
    [["type  b ", "type c"]],
    [["type abc", "erase 0", "type d", "erase 2", "undo", "erase 1"]],
]


def generate(rng: random.Random, size: int) -> list[Any]:
    def command() -> str:
        kind = rng.choice(["type", "type", "type", "erase", "undo", "undo", "redo"])
        word = "".join(rng.choice("abc de") for _ in range(rng.randint(1, 4)))
        return {"type": f"type {word}", "erase": f"erase {rng.randint(0, 5)}"}.get(kind, kind)

    return [[command() for _ in range(size + 1)]]


def brute(commands: list[str]) -> str:
    """Keep the edits in effect and those undone, and replay from the start."""
    done: list[str] = []
    undone: list[str] = []
    for command in commands:
        if command == "undo":
            undone += [done.pop()] if done else []
        elif command == "redo":
            done += [undone.pop()] if undone else []
        else:
            done.append(command)
            undone = []
    text = ""
    for command in done:
        if command[0] == "t":
            text += command[5:]
        else:
            for _ in range(int(command[6:])):
                text = text[:-1]
    return text


MUTANTS = [
    ("history[place:] = [text]", "history.insert(place, text)"),
    ("max(place - 1, 0)", "place - 1 if place else len(history) - 1"),
    ("text[: max(len(text) - int(argument), 0)]", "text[: -int(argument)]"),
    ("text[: max(len(text) - int(argument), 0)]", "text[: len(text) - int(argument)]"),
    ("min(place + 1, len(history) - 1)", "len(history) - 1"),
]
