"""``python -m pytest_dualcode servers``: what `warm` keeps, shown and stopped."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from pytest_dualcode.errors import UsageError
from pytest_dualcode.models.warm import KeptServer, clear_stale, kept_servers

DONE, LEFT = 0, 1
"""Exit status: as asked, or something was left running."""

HEADER = ("", "roles", "model", "url", "pid", "age", "state")


def add_servers(parser: argparse.ArgumentParser) -> None:
    """Add the two actions."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    status = actions.add_parser("status", help="list the servers kept by --servers=keep")
    status.set_defaults(command=show_status)
    stop = actions.add_parser("stop", help="stop kept servers")
    stop.add_argument(
        "numbers", nargs="*", type=int, metavar="N", help="numbers from status (default: all)"
    )
    stop.add_argument(
        "--force", action="store_true", help="also those that a run uses now (default: not those)"
    )
    stop.set_defaults(command=stop_servers)


def show_status(_: argparse.Namespace) -> int:
    """Print one line for each kept server."""
    say_what_was_cleared()
    servers = kept_servers()
    if not servers:
        print("No server is kept.")
        return DONE
    rows = [HEADER, *(row(number, server) for number, server in enumerate(servers, 1))]
    widths = [max(len(line[column]) for line in rows) for column in range(len(HEADER))]
    for line in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        )
    return DONE


def row(number: int, server: KeptServer) -> tuple[str, ...]:
    """The cells of one server."""
    record = server.record
    age = duration(time.time() - float(record.get("started", time.time())))
    named = (str(record.get(name, "?")) for name in ("label", "name", "url"))
    return (str(number), *named, str(server.pid or "?"), age, state(server))


def state(server: KeptServer) -> str:
    """What it is doing, and when it will end if nobody comes."""
    if not server.here:
        return f"on {server.record.get('host', 'another machine')}"
    doing = "" if server.ready else "loading, "
    if server.in_use:
        return f"{doing}in use"
    left = max(0.0, server.idle_limit - server.idle_seconds)
    return f"{doing}idle {duration(server.idle_seconds)}, ends in {duration(left)}"


def duration(seconds: float) -> str:
    """Seconds as a person says them: 40 s, 12 min, 3 h 5 min."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(int(seconds // 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def stop_servers(options: argparse.Namespace) -> int:
    """Stop those that were named, or all; those in use only by force."""
    servers = kept_servers()
    chosen = [(n, servers[n - 1]) for n in checked(options.numbers, len(servers))]
    stopping = [(n, s) for n, s in chosen if s.here and s.alive and (options.force or not s.in_use)]
    for _, server in stopping:
        server.terminate()
    left = 0
    for number, server in chosen:
        if (number, server) in stopping and server.await_end():
            print(f"{number}: {server.record.get('name')} stopped")
        elif server.alive or not server.here:
            left += 1
            why = "it is " + state(server) + (", --force stops it" if server.here else "")
            print(f"{number}: {server.record.get('name')} left running: {why}", file=sys.stderr)
    say_what_was_cleared(but=[s.folder.name for _, s in stopping])
    if not servers:
        print("No server is kept.")
    return LEFT if left else DONE


def checked(numbers: Sequence[int], count: int) -> list[int]:
    """The numbers that were given, or all. Raises `UsageError` for one that there is not."""
    for number in numbers:
        if not 1 <= number <= count:
            raise UsageError(
                f"There is no kept server {number}.",
                "`python -m pytest_dualcode servers status` lists them.",
            )
    return list(numbers) or list(range(1, count + 1))


def say_what_was_cleared(but: Sequence[str] = ()) -> None:
    """Remove the records of servers that have ended, and say so, `but` for those just stopped."""
    for key, record in clear_stale().items():
        if key not in but:
            print(
                f"removed the record of {record.get('name', key)}, which has ended "
                f"(exit status {record['exit_status']})"
            )
