"""Parcels and jobs survive the way to the worker, over a real connection, whatever they hold."""

from __future__ import annotations

from collections.abc import Iterator

import execnet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_dualcode.errors import InfrastructureError
from pytest_dualcode.plugin.handover import Inbox, Job, Parcel, addressed, job_from, parcel_of
from pytest_dualcode.plugin.records import unjudged
from pytest_dualcode.types import ItemKey, Solution, Stage, SuiteResult, Verdict

KEY = ItemKey("review-fix", "HumanEval/0", 1)
TEXT = st.text(st.characters(), max_size=50)
KEYS = st.builds(ItemKey, TEXT, TEXT, st.integers(0, 9))
SUITES = st.builds(SuiteResult, st.sampled_from(["pass", "fail", "timeout"]), TEXT)
PARCELS = st.builds(
    Parcel,
    TEXT,
    st.none() | st.tuples(TEXT, TEXT),
    st.none() | st.builds(Verdict, SUITES, SUITES, st.just("L2")),
    st.lists(st.tuples(st.integers(0, 9), TEXT), max_size=3).map(tuple),
)


@pytest.fixture(scope="module")
def gateway() -> Iterator[execnet.Gateway]:
    """Another process that sends everything back."""
    group = execnet.Group()
    yield group.makegateway("popen")
    group.terminate(timeout=5)


@pytest.fixture
def echo(gateway: execnet.Gateway) -> Iterator[execnet.Channel]:
    channel = gateway.remote_exec("for text in channel: channel.send(text)")
    yield channel
    channel.close()


class Arrived:
    """A channel on which everything has come back."""

    def __init__(self, echo: execnet.Channel, texts: list[str]) -> None:
        for text in texts:
            echo.send(text)
        self.texts = [echo.receive(timeout=60) for _ in texts]

    def receive(self, timeout: float | None = None) -> str:
        assert timeout == 0, "an item never waits for its parcel"
        if not self.texts:
            raise execnet.TimeoutError
        return self.texts.pop(0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(KEYS, PARCELS, max_size=4))
def test_what_is_sent_is_got(echo: execnet.Channel, parcels: dict[ItemKey, Parcel]) -> None:
    inbox = Inbox(Arrived(echo, [addressed(*item) for item in parcels.items()]))
    assert {key: inbox.get(key) for key in parcels} == parcels


def test_a_large_program_survives(echo: execnet.Channel) -> None:
    parcel = Parcel("x = '\ud800'\n" + "#" * 3_000_000)
    assert Inbox(Arrived(echo, [addressed(KEY, parcel)])).get(KEY) == parcel


def test_parcels_of_skipped_items_are_passed_over(echo: execnet.Channel) -> None:
    keys = [ItemKey("a", "b", number) for number in range(4)]
    inbox = Inbox(Arrived(echo, [addressed(key, Parcel(str(key.sample))) for key in keys]))
    assert inbox.get(keys[0]).program == "0"
    assert inbox.get(keys[3]).program == "3"


def test_an_item_that_runs_again_gets_its_parcel_again(echo: execnet.Channel) -> None:
    inbox = Inbox(Arrived(echo, [addressed(KEY, Parcel("x"))]))
    assert inbox.get(KEY) == inbox.get(KEY) == Parcel("x")


@pytest.mark.parametrize("closed", [False, True])
def test_a_missing_parcel_is_infrastructure(gateway: execnet.Gateway, closed: bool) -> None:
    channel = gateway.newchannel()
    if closed:
        channel.close()
    with pytest.raises(InfrastructureError, match="HumanEval/0 did not reach") as error:
        Inbox(channel).get(KEY)
    assert "--resume" in error.value.remedy


def test_only_other_programs_are_judged_as_stages() -> None:
    stages = (
        Stage("draft", "ok", program="a"),
        Stage("review", "bugs"),
        Stage("fix", "ok", program="b"),
    )
    parcel = parcel_of(unjudged(KEY, "humaneval", Solution("b", stages)), None, None)
    assert parcel.stages == ((0, "a"),)
    assert parcel.program == "b"


@given(
    st.builds(
        Job,
        version=TEXT,
        python=TEXT,
        datasets=st.lists(TEXT).map(tuple),
        hashes=st.dictionaries(TEXT, TEXT),
        keys=st.lists(KEYS).map(tuple),
        judge=st.sampled_from(["dualcode", "evalplus"]),
        allow_unsafe=st.booleans(),
    )
)
def test_a_job_survives(job: Job) -> None:
    text = job.to_text()
    assert text.isascii()
    assert job_from(text) == job
