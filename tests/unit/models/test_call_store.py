"""The call store: what is kept, what survives a kill, and what is asked only once."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from endpoints import TestEndpoint, ask
from hypothesis import given
from hypothesis import strategies as st

from pytest_dualcode.errors import CallError, ReplayMiss, StoreError
from pytest_dualcode.models.base import Traffic
from pytest_dualcode.models.call_store import CallStore, StoredModels
from pytest_dualcode.models.client import OpenAIModels
from pytest_dualcode.types import Call, Message, Request, Role, Sampling


def request(text: str = "a", sample: int = 0) -> Request:
    """Return a request to the coder."""
    return Request("coder", "m", ask(text), Sampling(max_tokens=9), sample)


def call(text: str = "a", reply: str = "reply") -> Call:
    """Return a finished call of `request(text)`."""
    return Call(request(text), reply, "thought", "stop", 3, 4, 1.5, 0.25, 2, 1)


class Counting(OpenAIModels):
    """A backend that answers by itself, counts, and can be held up or made to fail."""

    def __init__(self) -> None:
        super().__init__({role: TestEndpoint() for role in ("coder", "planner")})
        self.asked: list[str] = []
        self.go = asyncio.Event()
        self.go.set()
        self.error: Exception | None = None
        self.cancelled = 0

    async def call(self, request: Request, priority: int = 0) -> Call:  # noqa: ARG002
        self.asked.append(request.messages[0].content)
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return replace(call(), request=request, text=f"reply {len(self.asked)}")

    def traffic(self) -> Mapping[Role, Traffic]:
        return {"coder": Traffic(done=len(self.asked)), "planner": Traffic()}


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "calls.jsonl"


def test_a_call_comes_back_as_it_was(path: Path) -> None:
    store = CallStore(path)
    store.add(call())
    assert store.get(request()) == call()
    store.close()
    assert CallStore(path).get(request()) == call()


texts = st.text(st.characters(codec=None), max_size=200)


@given(prompt=texts, reply=texts, reasoning=texts, sample=st.integers(0, 99))
def test_any_text_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, prompt: str, reply: str, reasoning: str, sample: int
) -> None:
    path = tmp_path_factory.mktemp("store") / "calls.jsonl"
    asked = Request("planner", "m", (Message("user", prompt),), Sampling(7, 0.5), sample)
    kept = Call(asked, reply, reasoning, "length", 1, 2, 3.0, 4.0)
    first = CallStore(path)
    first.add(kept)
    first.close()
    second = CallStore(path)
    assert second.get(asked) == kept
    assert not second.damaged
    second.close()


@pytest.mark.parametrize(
    "other",
    [
        request("b"),
        request(sample=1),
        replace(request(), model="other"),
        replace(request(), role="planner"),
        replace(request(), sampling=Sampling(max_tokens=10)),
        replace(request(), sampling=Sampling(max_tokens=9, temperature=0.1)),
        replace(request(), sampling=Sampling(max_tokens=9, thinking=True)),
        replace(request(), sampling=Sampling(max_tokens=9, seed=1)),
        replace(request(), sampling=Sampling(max_tokens=9, top_k=20)),
        replace(request(), sampling=Sampling(max_tokens=9, min_p=0.1)),
        replace(request(), sampling=Sampling(max_tokens=9, repetition_penalty=1.1)),
        replace(request(), sampling=Sampling(max_tokens=9, presence_penalty=0.5)),
    ],
)
def test_any_other_request_is_not_found(path: Path, other: Request) -> None:
    store = CallStore(path)
    store.add(call())
    assert store.get(other) is None


def test_calls_stored_before_there_were_more_sampling_fields_are_still_found() -> None:
    assert request("a").key == "11d6f564119348dd2de8ea22caf9e0101f76dc0aa7eabaea0a7a54a42cb3748e"


def test_a_call_is_written_once(path: Path) -> None:
    store = CallStore(path)
    store.add(call())
    store.add(call(reply="another reply to the same request"))
    assert len(path.read_bytes().splitlines()) == 1
    assert store.get(request()) == call()


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"not json\n",
        b'{"id": "x"}\n',
        b"[1]\n",
        b"\xff\xfe\n",
        b"\0\0\0\n",
    ],
)
def test_damaged_lines_are_skipped_and_counted(path: Path, damage: bytes) -> None:
    store = CallStore(path)
    store.add(call("a"))
    store.close()
    whole = path.read_bytes()
    path.write_bytes(whole + damage + whole[: len(whole) // 2])  # the last one half written
    store = CallStore(path)
    assert store.damaged == {path: 1 + bool(damage)}
    store.add(call("b"))
    store.close()
    store = CallStore(path)
    assert (store.get(request("a")), store.get(request("b"))) == (call("a"), call("b"))
    assert len(store) == 2


def damaged_by(path: Path, damage: Callable[[bytes], bytes]) -> bool:
    """Store a call, damage the file, and say whether nothing of it is taken for a call."""
    store = CallStore(path)
    store.add(call())
    store.close()
    path.write_bytes(damage(path.read_bytes()))
    store = CallStore(path)
    found = store.get(request())
    store.close()
    return found is None and bool(store.damaged)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("request", {"role": "coder"}),
        ("text", "another reply"),
        ("text", None),
        ("reasoning", ""),
        ("finish_reason", "length"),
        ("completion_tokens", 5),
        ("cached_tokens", None),
        ("digest", "0" * 16),
    ],
)
def test_a_line_whose_content_was_changed_is_damaged(path: Path, field: str, value: object) -> None:
    def change(content: bytes) -> bytes:
        return json.dumps({**json.loads(content), field: value}).encode() + b"\n"

    assert damaged_by(path, change)


def test_a_line_without_a_digest_is_damaged(path: Path) -> None:
    def cut(content: bytes) -> bytes:
        fields = json.loads(content)
        del fields["digest"]
        return json.dumps(fields).encode() + b"\n"

    assert damaged_by(path, cut)


@given(place=st.integers(0, 2000), byte=st.integers(0, 255))
def test_no_byte_of_a_line_can_be_another(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: int
) -> None:
    def change(content: bytes) -> bytes:
        at = place % len(content)
        other = byte if byte != content[at] else byte ^ 1
        return content[:at] + bytes([other]) + content[at + 1 :]

    assert damaged_by(tmp_path_factory.mktemp("store") / "calls.jsonl", change)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", None),
        ("reasoning", None),
        ("finish_reason", 7),
        ("prompt_tokens", "3"),
        ("completion_tokens", 4.0),
        ("started", None),
        ("seconds", "0.25"),
        ("attempts", True),
        ("cached_tokens", "1"),
    ],
)
def test_a_line_whose_values_are_of_other_types_is_damaged(
    path: Path, field: str, value: Any
) -> None:
    store = CallStore(path)
    store.add(replace(call(), **{field: value}))
    store.close()
    store = CallStore(path)
    assert store.damaged == {path: 1}
    assert store.get(request()) is None


@given(cut=st.integers(0, 2000))
def test_a_file_cut_anywhere_keeps_every_whole_line(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("store") / "calls.jsonl"
    store = CallStore(path)
    ends = []
    for name in "abcd":
        store.add(call(name))
        ends.append(path.stat().st_size)
    store.close()
    os.truncate(path, min(cut, ends[-1]))
    store = CallStore(path)
    whole = sum(end - 1 <= cut for end in ends)  # all but the newline is a whole line, too
    assert len(store) == whole
    for name in "abcd":
        store.add(call(name))
    store.close()
    store = CallStore(path)
    assert [store.get(request(name)) for name in "abcd"] == [call(name) for name in "abcd"]
    store.close()


def test_calls_of_earlier_runs_are_found_and_copied(path: Path, tmp_path: Path) -> None:
    earlier = tmp_path / "earlier.jsonl"
    first = CallStore(earlier)
    first.add(call())
    first.close()
    before = earlier.read_bytes()
    store = CallStore(path, earlier=[earlier])
    assert store.get(request()) == call()
    store.close()
    assert CallStore(path).get(request()) == call()
    assert earlier.read_bytes() == before


def test_a_missing_earlier_run_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"Cannot read .*none.*\nName the directory of an earlier"):
        CallStore(earlier=[tmp_path / "none"])


def test_two_runs_cannot_write_to_one_directory(path: Path) -> None:
    store = CallStore(path)
    code = (
        "import sys; from pathlib import Path; "
        "from pytest_dualcode.models.call_store import CallStore; CallStore(Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", code, str(path)]
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Another run is writing to" in second.stderr
    assert "--run-dir" in second.stderr
    store.close()


def test_a_full_disk_is_said_and_leaves_no_half_line(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = CallStore(path)
    store.add(call("a"))
    write = os.write
    pieces = iter([50])

    def half(fd: int, data: bytes) -> int:
        length = next(pieces, None)
        if length is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data[:length])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(StoreError, match=r"No space left on device.*\nFree some space.*--resume"):
        store.add(call("b"))
    monkeypatch.undo()
    store.add(call("c"))
    store.close()
    store = CallStore(path)
    assert not store.damaged
    assert [store.get(request(name)) is not None for name in "abc"] == [True, False, True]


def test_a_flush_that_fails_is_said_at_the_next_call_or_at_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    monkeypatch.setattr("pytest_dualcode.models.call_store.SYNC_INTERVAL", 0.0)
    store = CallStore(path)
    store.add(call("a"))
    for thread in threading.enumerate():
        if thread.name == "dualcode-flush":
            thread.join()
    with pytest.raises(StoreError, match="Input/output error"):
        store.add(call("b"))
    with pytest.raises(StoreError, match="Input/output error"):
        store.close()
    monkeypatch.undo()
    assert [CallStore(path).get(request(name)) for name in "ab"] == [call("a"), call("b")]


def test_a_slow_disk_holds_up_no_call(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    monkeypatch.setattr(os, "fsync", lambda _: go.wait())
    monkeypatch.setattr("pytest_dualcode.models.call_store.SYNC_INTERVAL", 0.0)
    store = CallStore(path)
    for name in "abc":
        store.add(call(name))
    assert len(path.read_bytes().splitlines()) == 3
    go.set()
    store.close()


def test_equal_calls_in_flight_are_one(path: Path) -> None:
    async def main() -> None:
        backend = Counting()
        models = StoredModels(backend, CallStore(path))
        backend.go.clear()
        work = [asyncio.create_task(models.complete("coder", ask("same"))) for _ in range(5)]
        await asyncio.sleep(0)
        backend.go.set()
        calls = await asyncio.gather(*work)
        assert backend.asked == ["same"]
        assert all(c == calls[0] for c in calls)
        assert models.traffic()["coder"].stored == 4

    run(main())


def test_samples_of_one_prompt_are_different_calls(path: Path) -> None:
    async def main() -> None:
        backend = Counting()
        models = StoredModels(backend, CallStore(path))
        calls = [await models.complete("coder", ask("same"), sample=n) for n in (0, 1, 0)]
        assert [c.text for c in calls] == ["reply 1", "reply 2", "reply 1"]

    run(main())


def test_a_shared_call_survives_the_item_that_asked_first(path: Path) -> None:
    async def main() -> None:
        backend = Counting()
        models = StoredModels(backend, CallStore(path))
        backend.go.clear()
        first, second = (asyncio.create_task(models.complete("coder", ask("x"))) for _ in "ab")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        backend.go.set()
        assert (await second).text == "reply 1"
        assert first.cancelled()

    run(main())


def test_a_call_that_nobody_waits_for_is_cancelled_and_can_be_asked_again(path: Path) -> None:
    async def main() -> None:
        backend = Counting()
        models = StoredModels(backend, CallStore(path))
        backend.go.clear()
        only = asyncio.create_task(models.complete("coder", ask("x")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        only.cancel()
        again = asyncio.create_task(models.complete("coder", ask("x")))
        await asyncio.gather(only, return_exceptions=True)
        backend.go.set()
        assert (await again).text == "reply 2"
        assert backend.cancelled == 1

    run(main())


def test_an_error_is_not_stored(path: Path) -> None:
    async def main() -> None:
        backend = Counting()
        models = StoredModels(backend, CallStore(path))
        backend.error = CallError("down")
        with pytest.raises(CallError, match="down"):
            await models.complete("coder", ask("x"))
        backend.error = None
        assert (await models.complete("coder", ask("x"))).text == "reply 2"

    run(main())
    assert len(path.read_bytes().splitlines()) == 1


def test_a_replay_answers_from_the_store_and_fails_on_a_miss(path: Path) -> None:
    async def main() -> None:
        backend = Counting()
        store = CallStore(path)
        kept = await StoredModels(backend, store).complete("coder", ask("known"))
        replay = StoredModels(backend, store, replay=True)
        assert await replay.complete("coder", ask("known")) == kept
        with pytest.raises(ReplayMiss, match=r"begins 'unknown prompt'.*\n.*--resume"):
            await replay.complete("coder", ask("unknown prompt\nand more"))
        assert backend.asked == ["known"]

    run(main())


def test_nothing_is_asked_once_the_store_is_broken(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def main() -> None:
        backend = Counting()
        models = StoredModels(backend, CallStore(path))
        monkeypatch.setattr(os, "write", full)
        for text in "ab":
            with pytest.raises(StoreError, match="No space"):
                await models.complete("coder", ask(text))
        assert backend.asked == ["a"]

    run(main())


KILLED = """
import sys
from pathlib import Path
from pytest_dualcode.models.call_store import CallStore
from pytest_dualcode.types import Call, Message, Request, Sampling
store = CallStore(Path(sys.argv[1]))
for n in range(10**9):
    request = Request("coder", "m", (Message("user", f"{n}" * 500),), Sampling(max_tokens=9))
    if store.get(request) is None:
        store.add(Call(request, "r" * 3000, "", "stop", 1, 1, 0.0, 0.0))
        print(n, flush=True)
"""


def kill_after(path: Path, lines: int) -> Sequence[int]:
    """Start a writer, kill it after it has said `lines` times what it has stored."""
    command = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(lines)]
        writer.kill()
        said += [int(line) for line in writer.stdout if line.endswith("\n")]
    return said


def test_a_killed_writer_loses_nothing_that_it_reported(path: Path) -> None:
    said: list[int] = []
    kills = (1, 7, 40, 3)
    for lines in kills:
        said += kill_after(path, lines)
    assert len(said) == len(set(said)), "a stored call was made again"
    store = CallStore(path)
    assert len(store) >= len(said)
    assert sum(store.damaged.values()) <= len(kills), "a kill leaves at most the line it broke off"
