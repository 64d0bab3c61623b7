"""One call of the fax and what is left of it when the link, or Wardline, ends before it does."""

from __future__ import annotations

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from gateway.asterisk.role import Ending, Lost, Outcome
from gateway.clock import ReactorClock
from gateway.errors import TemporaryFailure, Uncertain
from gateway.fax.line import Line, StillCalling
from gateway.fax.spool import END, Spool
from gateway.fax.underway import LONGEST, UnderWay
from gateway.fax.verdict import Cause
from gateway.store.sqlite import SqliteStore
from tests.unit.fax.test_files import fax

NUMBER = "0155501001"
WELL = "SUCCESS 1 0155501001 8031x7700"


class Placed:
    def __init__(self):
        self.end = Deferred()

    async def outcome(self):
        return await self.end


class Phone:
    """Fills `gateway.asterisk.role.Phone`: one that outlives the Wardline it rings for."""

    def __init__(self, store):
        self._store = store
        self.rung, self.adopted, self.known, self.failing = [], [], [], None

    async def call(self, number, token, *, timeout, context, variables):
        self.known.append(await self._store.recall("faxing "))
        if self.failing:
            raise self.failing
        self.rung.append(token)
        self.placed = Placed()
        return self.placed

    def adopt(self, token, *, context, within):
        self.adopted.append((token, within))
        self.placed = Placed()
        return self.placed


class Stage:
    def __init__(self, folder):
        self.folder = folder
        self.store = SqliteStore(":memory:", inline=True)
        self.phone = Phone(self.store)
        self.reactor = Clock()
        self.begin()

    def begin(self):
        """Wardline starts, perhaps again."""
        self.clock = ReactorClock(self.reactor, wall=1_722_675_600.0)
        self.spool = Spool(self.folder)
        self.calls = UnderWay(self.store, self.clock)
        self.left = self.done(self.calls.load())
        self.line = self.device("cardio-fax")

    def device(self, name):
        return Line(
            self.phone,
            self.spool,
            device=name,
            up=lambda: True,
            calls=self.calls,
            clock=self.clock,
        )

    def send(self, line=None, **more):
        sending = (line or self.line).send(
            NUMBER, fax(), pages=1, expected=NUMBER, completes="WL-7", **more
        )
        return Deferred.fromCoroutine(sending)

    def done(self, work):
        """What it gives, or raises, with no more time."""
        ends = []
        (work if isinstance(work, Deferred) else Deferred.fromCoroutine(work)).addBoth(ends.append)
        assert ends, "it still waits"
        if hasattr(ends[0], "raiseException"):
            ends[0].raiseException()
        return ends[0]

    def says(self, words, token=None):
        """The dialplan's last word on a call, in the folder."""
        (self.folder / f"{token or self.phone.rung[-1]}.tif{END}").write_text(words + "\n")

    def ended(self, *, told=True, ending=Ending.DONE):
        fields = ("Status", "Pages", "Remote", "Resolution")
        said = dict(zip(fields, WELL.split(), strict=True)) | {"Token": self.phone.rung[-1]}
        self.phone.placed.end.callback(Outcome(ending=ending, rang=True, told=said if told else {}))

    @property
    def files(self):
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path)


def test_a_call_is_written_down_before_its_number_is_rung_and_forgotten_when_it_ends(stage):
    sending = stage.send()
    (known,) = stage.phone.known
    assert list(known) == [f"faxing {stage.phone.rung[0]}"]
    assert stage.calls.busy(NUMBER)

    stage.says(WELL)
    stage.ended()

    assert stage.done(sending).arrived
    assert stage.files == []
    assert not stage.calls.busy(NUMBER)
    assert stage.done(stage.store.recall("faxing ")) == {}


def test_while_one_device_rings_a_number_another_does_not(stage):
    first = stage.send()

    with pytest.raises(TemporaryFailure) as failure:
        stage.done(stage.send(stage.device("neuro-fax")))

    assert failure.value.reasons == (Cause.BUSY,)
    assert len(stage.phone.rung) == 1
    stage.ended()
    stage.done(first)
    stage.send(stage.device("neuro-fax"))
    assert len(stage.phone.rung) == 2


def test_where_nobody_was_rung_nothing_is_left(stage):
    stage.phone.failing = TemporaryFailure("no link", reasons=("unreachable",))

    with pytest.raises(TemporaryFailure):
        stage.done(stage.send())

    assert stage.files == []
    assert not stage.calls.busy(NUMBER)


def stopped(stage):
    """Wardline ends in mid-call, and starts again."""
    sending = stage.send()
    sending.cancel()
    with pytest.raises(CancelledError):
        stage.done(sending)
    stage.begin()
    (call,) = stage.left
    return call


def test_a_wardline_that_starts_again_waits_for_the_call_and_rings_nobody(stage):
    call = stopped(stage)
    assert stage.calls.busy(NUMBER)
    assert stage.files == [f"{call.token}.tif"]  # Asterisk may not have opened it yet
    assert stage.spool.clear(but=[call.token]) == 0

    resumed = Deferred.fromCoroutine(stage.line.resume(call))
    assert stage.phone.adopted == [(call.token, LONGEST)]
    stage.ended()

    verdict = stage.done(resumed)
    assert (verdict.arrived, call.completes) == (True, "WL-7")
    assert stage.files == []
    assert not stage.calls.busy(NUMBER)
    assert len(stage.phone.rung) == 1


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (WELL, None),
        ("SUCCESS 1 0155509999 8031x7700", Cause.STATION),
        ("FAILED 0  8031x7700", Cause.CUT),
        ("FAILED 0  0x0", Cause.VOICE),
    ],
)
@pytest.mark.parametrize("heard", [True, False])
def test_a_call_that_ended_while_nobody_listened_is_known_by_what_lies_beside_its_file(
    stage, words, cause, heard
):
    """`heard`: its hang-up still was, its last word was not."""
    call = stopped(stage)
    stage.says(words)
    resumed = Deferred.fromCoroutine(stage.line.resume(call))
    if heard:
        stage.ended(told=False, ending=Ending.UNREACHABLE)
    else:
        stage.phone.placed.end.errback(Uncertain("over"))

    assert stage.done(resumed).cause is cause
    assert stage.files == []


def test_of_a_call_that_is_gone_without_a_word_nobody_knows(stage):
    call = stopped(stage)
    resumed = Deferred.fromCoroutine(stage.line.resume(call))
    stage.phone.placed.end.errback(Uncertain("over"))

    with pytest.raises(Uncertain):
        stage.done(resumed)
    assert not stage.calls.busy(NUMBER)


def test_a_call_whose_link_was_lost_may_go_on_and_keeps_its_number_until_it_can_be_no_more(stage):
    sending = stage.send()
    stage.phone.placed.end.errback(Lost("the link"))
    with pytest.raises(StillCalling) as still:
        stage.done(sending)
    assert stage.calls.busy(NUMBER)
    assert len(stage.files) == 1

    stage.reactor.advance(LONGEST + 1)
    resumed = Deferred.fromCoroutine(stage.line.resume(still.value.call))
    stage.phone.placed.end.errback(Lost("still no link"))
    with pytest.raises(Uncertain):
        stage.done(resumed)
    assert not stage.calls.busy(NUMBER)
    assert stage.files == []
