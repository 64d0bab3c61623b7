"""Jobs to the virtual printer, in trouble of every kind: on a fake clock in memory, then on sockets."""

import pytest
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock, deferLater
from twisted.python.failure import Failure

from gateway.channels.escpos_link import Fence, Limits, commission, print_job, probe
from gateway.channels.escpos_link.wire import Wire
from gateway.errors import TemporaryFailure, Uncertain
from printers import command
from printers.virtual import VirtualPrinter

LINES = [f"Analyte {number:02}   {number},9 mmol/L" for number in range(20)]
TICKET = "".join(line + "\n" for line in LINES).encode() + command.cut()
PAPER = "\n".join(LINES) + "\n"
QUESTIONS = 12  # bytes of DLE EOT 1 to 4
LENGTH = QUESTIONS + len(command.prelude() + TICKET + command.fence("7K2Q"))


class Bench:
    """A printer on a fake clock, and jobs to it."""

    def __init__(self, **kwargs):
        self.clock = Clock()
        self.printer = VirtualPrinter(self.clock, **kwargs)
        self.events = []
        self.built = 0

    def job(self, *, endpoint=None, build=None, token="7K2Q", fence=Fence.PROCESS_ID, **kwargs):
        work = print_job(
            endpoint or self.printer.endpoint(),
            build or self.build,
            clock=self.clock,
            fence=fence,
            token=token,
            on_event=self.events.append,
            **kwargs,
        )
        deferred = Deferred.fromCoroutine(work)
        self.after(0)
        return deferred

    async def build(self):
        self.built += 1
        return TICKET

    def trouble(self, words):
        self.printer.trouble(words)
        self.after(0)

    def after(self, seconds):
        end = self.clock.seconds() + seconds
        self.clock.advance(0)
        while self.clock.calls and self.clock.calls[0].getTime() <= end:
            self.clock.advance(max(0, self.clock.calls[0].getTime() - self.clock.seconds()))
        self.clock.advance(end - self.clock.seconds())

    @property
    def texts(self):
        return [slip.text for slip in self.printer.slips]


@pytest.fixture
def bench():
    return Bench(speed=250.0)


def result(deferred):
    """What it ended with; it must have ended."""
    results = []
    deferred.addBoth(results.append)
    assert results, "still under way"
    return results[0].value if isinstance(results[0], Failure) else results[0]


def failure(deferred, kind):
    error = result(deferred)
    assert isinstance(error, kind), error
    return error


# --- the good ways


def test_a_slip_is_proved_by_its_own_mark(bench):
    job = bench.job()
    bench.after(1.2)

    proof = result(job)
    assert (str(proof), proof.confirmed, proof.reasons) == ("GS ( H 7K2Q", True, ())
    assert bench.texts == [PAPER]
    assert bench.printer.slips[0].unknown == ()
    assert bench.printer.hosts.count == 0


def test_the_proof_comes_no_sooner_than_the_paper(bench):
    job = bench.job()
    bench.after(0.6)  # 712 dots at 250 mm/s are 0.36 s, the cut takes 0.3

    assert bench.texts == [PAPER]
    assert not job.called
    bench.after(0.6)
    assert result(job).confirmed


def test_without_a_process_id_gs_r_is_proof():
    bench = Bench(model="generic-80mm", speed=250.0)
    job = bench.job(fence=Fence.GS_R)
    bench.after(1.2)

    assert str(result(job)) == "GS r"
    assert bench.texts == [PAPER]


def test_without_a_fence_it_is_sent_and_not_confirmed(bench):
    job = bench.job(fence=Fence.NONE)
    bench.after(2.9)
    assert not job.called

    bench.after(1.5)
    proof = result(job)
    assert (str(proof), proof.confirmed) == ("sent, unconfirmed", False)


def test_without_a_fence_trouble_soon_after_keeps_it_waiting(bench):
    bench.trouble("paper out after 5")
    job = bench.job(fence=Fence.NONE)
    bench.after(20)
    assert not job.called
    assert bench.events == [("media-empty",)]

    bench.trouble("paper in")
    bench.after(5)
    assert not result(job).confirmed
    assert bench.texts == [PAPER]


def test_paper_nearly_out_is_told_with_the_proof(bench):
    bench.trouble("paper low")
    job = bench.job()
    bench.after(1.2)

    assert result(job).reasons == ("media-low",)


def test_marks_and_bytes_of_others_are_not_taken_for_ours(bench):
    async def build():  # another host's, still in the printer's queue
        bench.printer.machine.receive(b"older\n" + command.cut() + command.fence("OLD1"))
        bench.printer.machine.receive(b"\x1dI\x43" + command.gs_r())
        return TICKET

    job = bench.job(build=build)
    bench.after(0.6)
    assert bench.texts == ["older\n"]
    assert not job.called

    bench.after(1.2)
    assert result(job).token == "7K2Q"
    assert bench.texts == ["older\n", PAPER]


# --- nothing sent


@pytest.mark.parametrize(
    ("words", "reasons"),
    [
        ("paper out", ("media-empty",)),
        ("cover open", ("cover-open",)),
        ("offline", ("offline",)),
    ],
)
def test_a_printer_that_is_not_ready_gets_nothing(bench, words, reasons):
    bench.trouble(words)
    job = bench.job()

    assert failure(job, TemporaryFailure).reasons == reasons
    assert bench.built == 0
    bench.printer.trouble(words.replace("out", "in").replace("open", "close").replace("off", "on"))
    bench.after(60)
    assert bench.texts == []
    assert bench.printer.machine.waiting == 0


def test_a_printer_that_says_nothing_gets_nothing_for_two_seconds(bench):
    bench.trouble("mute")
    job = bench.job()
    bench.after(1.99)
    assert not job.called

    bench.after(0.02)
    assert failure(job, TemporaryFailure).reasons == ("timed-out",)
    assert bench.built == 0


def test_a_printer_that_stops_answering_half_way_gets_nothing(bench):
    bench.printer.hosts.drop_after = (7, lambda: bench.printer.trouble("freeze"))
    job = bench.job()
    bench.after(2.1)

    assert failure(job, TemporaryFailure).reasons == ("timed-out",)


def test_a_frozen_printer_is_hung_up_on(bench):
    bench.trouble("freeze")
    job = bench.job()
    bench.after(3.1)

    failure(job, TemporaryFailure)
    bench.trouble("thaw")
    assert bench.printer.hosts.count == 0
    assert bench.texts == []


def test_a_printer_that_is_not_there_gets_nothing(bench):
    bench.trouble("cut off")
    job = bench.job()

    error = failure(job, TemporaryFailure)
    assert error.reasons == ("timed-out",)
    assert "cannot connect" in error.detail


def test_a_connection_that_does_not_come_about_is_given_up_after_three_seconds(bench):
    class Nowhere:
        def connect(self, factory):
            return Deferred()

    job = bench.job(endpoint=Nowhere())
    bench.after(2.9)
    assert not job.called

    bench.after(0.2)
    assert failure(job, TemporaryFailure).reasons == ("timed-out",)


def test_a_printer_held_by_another_host_gets_nothing_until_it_is_let_go(bench):
    held = []
    bench.printer.endpoint().connect(Factory.forProtocol(Protocol)).addCallback(held.append)
    job = bench.job()
    bench.after(2.1)
    assert failure(job, TemporaryFailure).reasons == ("timed-out",)

    held[0].transport.loseConnection()
    bench.after(1)
    again = bench.job()
    bench.after(1.2)

    assert result(again).confirmed
    assert bench.texts == [PAPER]


def test_a_ticket_that_cannot_be_built_sends_nothing(bench):
    async def build():
        raise KeyError("no slip number")

    job = bench.job(build=build)

    failure(job, KeyError)
    bench.after(5)
    assert bench.texts == []
    assert bench.printer.hosts.count == 0


def test_a_link_lost_while_the_ticket_is_built_has_sent_nothing(bench):
    ready = Deferred()

    async def build():
        return await ready

    job = bench.job(build=build)
    bench.trouble("cut off")
    ready.callback(TICKET)
    bench.after(0)

    failure(job, TemporaryFailure)
    assert bench.texts == []


def test_a_ticket_built_too_late_is_not_sent(bench):
    ready = Deferred()

    async def build():
        return await ready

    job = bench.job(build=build, limits=Limits(overall=10))
    bench.after(10)
    ready.callback(TICKET)
    bench.after(1)

    failure(job, TemporaryFailure)
    assert bench.texts == []


def test_cancelled_before_anything_was_sent_it_says_so(bench):
    bench.trouble("mute")
    job = bench.job()

    job.cancel()
    bench.after(1)

    failure(job, CancelledError)
    assert bench.printer.hosts.count == 0


# --- something may have come out


def test_paper_out_amid_the_slip_stops_its_clock_until_somebody_comes(bench):
    bench.trouble("paper out after 5")
    job = bench.job(limits=Limits(printing=5))
    bench.after(120)
    assert not job.called
    assert bench.events == [("media-empty",)]

    bench.trouble("paper in")
    bench.after(1)
    assert result(job).confirmed
    assert bench.events == [("media-empty",), ()]
    assert bench.texts == [PAPER]


def test_a_cover_opened_amid_the_slip_likewise(bench):
    job = bench.job(limits=Limits(printing=5))
    bench.after(0.1)
    bench.trouble("cover open")
    bench.after(60)
    assert not job.called
    assert bench.events == [("cover-open",)]

    bench.trouble("cover close")
    bench.after(1)
    assert result(job).confirmed


def test_its_clock_goes_on_where_it_stood(bench):
    bench.printer.machine.speed = 10.0
    job = bench.job(limits=Limits(printing=5, clear=0.1))
    bench.after(3)
    bench.trouble("cover open")
    bench.after(60)
    bench.trouble("cover close")
    bench.after(1.5)
    bench.trouble("freeze")
    assert not job.called

    bench.after(0.7)
    failure(job, Uncertain)


def test_clones_that_report_nothing_by_themselves_are_asked():
    bench = Bench(model="generic-80mm", speed=250.0)
    bench.trouble("paper out after 5")
    job = bench.job(fence=Fence.GS_R, limits=Limits(printing=5))
    bench.after(120)
    assert bench.events == [("media-empty",)]

    bench.trouble("paper in")
    bench.after(3)
    assert str(result(job)) == "GS r"


def test_waiting_for_somebody_does_not_outlast_the_printers_patience(bench):
    bench.trouble("paper out after 5")
    job = bench.job(limits=Limits(overall=3600))
    bench.after(900)  # it hangs up on five minutes of silence
    bench.trouble("paper in")
    bench.after(1)

    assert result(job).confirmed


def test_when_nobody_comes_its_buffers_are_cleared_and_it_is_uncertain(bench):
    bench.trouble("paper out after 5")
    job = bench.job(limits=Limits(overall=60))
    bench.after(60.1)

    error = failure(job, Uncertain)
    assert error.reasons == ("media-empty",)
    assert error.detail == "no proof in time; printer's buffers cleared"
    bench.trouble("paper in")
    bench.after(10)
    assert bench.texts == []  # the rest never comes


def test_a_slip_too_long_for_the_buffer_cannot_be_cleared_and_it_says_so(bench):
    async def build():
        return b"x\n" * 5000 + command.cut()

    bench.trouble("paper out after 5")
    job = bench.job(build=build, limits=Limits(overall=60))
    bench.after(62.1)

    error = failure(job, Uncertain)
    assert error.reasons == ("media-empty",)
    assert error.detail.endswith("was not confirmed")


def test_without_the_mark_it_knew_nothing_is_certain():
    bench = Bench(model="generic-80mm", speed=250.0)  # no GS ( H
    job = bench.job(limits=Limits(printing=5))
    bench.after(5.1)

    error = failure(job, Uncertain)
    assert error.reasons == ("timed-out",)
    assert bench.texts[0] == PAPER


def test_a_printer_that_freezes_is_uncertain(bench):
    job = bench.job(limits=Limits(printing=5))
    bench.after(0.1)
    bench.trouble("freeze")
    bench.after(8.1)

    assert failure(job, Uncertain).detail.endswith("was not confirmed")


def test_a_printer_that_falls_silent_is_uncertain(bench):
    job = bench.job(limits=Limits(printing=5))
    bench.after(0.1)
    bench.trouble("mute")
    bench.after(8.1)

    failure(job, Uncertain)
    assert bench.texts == [PAPER]


@pytest.mark.parametrize("words", ["cut off", "die"])
def test_a_link_lost_amid_the_slip_is_uncertain(bench, words):
    job = bench.job()
    bench.after(0.1)
    bench.trouble(words)

    error = failure(job, Uncertain)
    assert error.detail == "link lost while printing"


def test_printed_but_the_mark_was_lost_is_uncertain(bench):
    bench.trouble("cut off at mark")
    job = bench.job()
    bench.after(2)

    failure(job, Uncertain)
    assert bench.texts == [PAPER]


def test_a_mark_that_comes_with_the_end_of_the_link_is_proof(bench):
    bench.printer.machine.speed = 0.0
    send = bench.printer.hosts.send

    def send_and_hang_up(data):
        send(data)
        if b"7K2Q" in data:
            bench.printer.hosts._links[0].transport.loseConnection()

    bench.printer.hosts.send = send_and_hang_up
    job = bench.job()
    bench.after(3)

    assert result(job).confirmed


def test_a_mark_that_comes_instead_of_the_clearing_is_proof(bench):
    job = bench.job(limits=Limits(overall=0.68))
    act = bench.printer.machine._act
    bench.printer.machine._act = lambda command_: (  # the clearing comes a moment too late
        bench.clock.callLater(0.5, act, command_) if command_.act.name == "CLEAR" else act(command_)
    )
    bench.after(3)

    assert bench.texts == [PAPER]
    assert result(job).confirmed


def test_a_cutter_that_jams_on_the_slip_is_uncertain(bench):
    bench.trouble("cutter jam")
    job = bench.job(limits=Limits(overall=60))
    bench.after(61)

    error = failure(job, Uncertain)
    assert error.reasons == ("media-jam",)
    assert bench.events == [("media-jam",)]


def test_a_cutter_found_stuck_after_the_mark_is_uncertain(bench):
    machine = bench.printer.machine
    send = bench.printer.hosts.send

    def stick(data):
        send(data)
        if b"7K2Q" in data:
            machine.condition.cutter_stuck = True

    bench.printer.hosts.send = stick
    job = bench.job()
    bench.after(2)

    assert failure(job, Uncertain).reasons == ("media-jam",)


def test_gs_r_answered_more_than_once_proves_nothing():
    bench = Bench(model="generic-80mm", speed=250.0)
    send = bench.printer.hosts.send
    bench.printer.hosts.send = lambda data: send(data * 4 if data == b"\x00" else data)
    job = bench.job(fence=Fence.GS_R)
    bench.after(2)

    failure(job, Uncertain)


def test_given_up_while_it_prints_it_is_left_to_print(bench):
    job = bench.job()
    bench.after(0.1)
    job.cancel()
    bench.after(2)

    assert failure(job, Uncertain).detail == "given up while printing"
    assert bench.texts == [PAPER]


def test_given_up_once_the_mark_has_come_it_is_proved_all_the_same(bench):
    send = bench.printer.hosts.send

    def send_and_fall_silent(data):
        send(data)
        bench.printer.machine.muted = b"7K2Q" in data

    bench.printer.hosts.send = send_and_fall_silent
    job = bench.job()
    bench.after(1)  # it waits for word of the cutter
    job.cancel()
    bench.after(0)

    assert result(job).confirmed


def test_given_up_while_it_hangs_up_the_outcome_stands(bench):
    endpoint = bench.printer.endpoint()
    connect = endpoint.connect

    def slow(wire):
        wire.transport.loseConnection = lambda: None  # what was written does not go out
        return wire

    endpoint.connect = lambda factory: connect(factory).addCallback(slow)
    job = bench.job(endpoint=endpoint)
    bench.after(1)
    assert not job.called

    job.cancel()
    bench.after(0)
    assert result(job).confirmed


def test_given_up_while_paper_is_out_it_is_cleared(bench):
    bench.trouble("paper out after 5")
    job = bench.job()
    bench.after(1)
    job.cancel()
    bench.after(1)

    assert "buffers cleared" in failure(job, Uncertain).detail
    bench.trouble("paper in")
    bench.after(5)
    assert bench.texts == []


# --- after an uncertain job


def test_the_slip_after_a_half_sent_one_is_cut_off_from_it(bench):
    bench.trouble(f"cut off after {QUESTIONS + 40}")
    failure(bench.job(), Uncertain)
    bench.after(1)
    bench.trouble("plug in")

    job = bench.job(token="NEXT", flush_first=True)
    bench.after(3)

    assert result(job).confirmed
    assert bench.texts[-1] == PAPER
    assert bench.texts[:-1] == ["Analyte 00   0,9 mmol/L\n"]


def test_gs_r_left_over_from_the_job_before_is_not_taken_for_proof():
    bench = Bench(model="generic-80mm", speed=250.0)
    bench.trouble("paper out after 5")
    first = bench.job(fence=Fence.GS_R)
    bench.after(3)
    bench.printer.hosts.drop_all()  # the link dies; the first slip and its GS r wait inside
    bench.after(0)
    failure(first, Uncertain)

    bench.trouble("paper in")
    bench.printer.machine.frozen = True
    second = bench.job(fence=Fence.GS_R, flush_first=True)
    bench.printer.machine.frozen = False
    bench.printer.machine.go_on()
    bench.after(3)

    assert str(result(second)) == "GS r"
    assert bench.texts[-1] == PAPER


def test_where_clearing_is_not_answered_gs_r_is_no_proof():
    bench = Bench(model="generic-80mm")
    send = bench.printer.hosts.send
    bench.printer.hosts.send = lambda data: None if data == b"\x37%\x00" else send(data)
    job = bench.job(fence=Fence.GS_R, flush_first=True)
    bench.after(7)

    assert not result(job).confirmed


def test_cut_at_any_byte_nothing_is_called_printed_that_is_not():
    ticket = b"POTASSIUM 6,9 mmol/L\n\x1bE\x01!\x1bE\x00\n" + command.raster(2, b"\x80\x01" * 8)
    ticket += command.cut()

    async def build():
        built.append(True)
        return ticket

    sent = QUESTIONS + len(command.prelude() + ticket + command.fence("7K2Q"))
    paper = "POTASSIUM 6,9 mmol/L\n!\n[raster 16x8]\n"
    for offset in range(sent + 2):
        for words in ("cut off", "die"):
            bench, built = Bench(), []
            bench.trouble(f"{words} after {offset}")
            outcome = result(bench.job(build=build))
            if offset <= QUESTIONS:  # the last answer is lost with the link
                assert isinstance(outcome, TemporaryFailure), offset
                assert not built, offset
            elif offset <= sent:  # the mark, too
                assert isinstance(outcome, Uncertain), offset
            else:
                assert outcome.confirmed, offset
                assert bench.texts == [paper], offset
            bench.trouble("plug in")
            again = bench.job(build=build, token="NEXT", flush_first=True)
            bench.after(1)
            assert result(again).token == "NEXT", offset
            assert bench.texts[-1] == paper, offset
            assert all(text == paper or len(text) < len(paper) for text in bench.texts), offset


def test_a_line_that_does_not_close_is_broken_after_a_second():
    class Stuck:  # what was written never goes out
        acts = ()

        def loseConnection(self):
            self.acts += ("lose",)

        def abortConnection(self):
            self.acts += ("abort",)

    clock = Clock()
    wire = Wire(clock)
    wire.transport = Stuck()
    closing = Deferred.fromCoroutine(wire.close(1.0))

    clock.advance(0.9)
    assert wire.transport.acts == ("lose",)
    clock.advance(0.2)
    assert wire.transport.acts == ("lose", "abort")
    assert closing.called


# --- probing and commissioning


@pytest.mark.parametrize(
    ("words", "reasons"),
    [("status", ()), ("paper low", ("media-low",)), ("cover open", ("cover-open",))],
)
def test_a_probe_tells_how_it_is(bench, words, reasons):
    bench.trouble(words)
    asked = Deferred.fromCoroutine(probe(bench.printer.endpoint(), clock=bench.clock))
    bench.after(0)

    assert result(asked).reasons == reasons
    assert bench.printer.hosts.count == 0


def test_a_probe_of_a_silent_printer_fails(bench):
    bench.trouble("mute")
    asked = Deferred.fromCoroutine(probe(bench.printer.endpoint(), clock=bench.clock))
    bench.after(2.1)

    assert failure(asked, TemporaryFailure).reasons == ("timed-out",)


@pytest.mark.parametrize(
    ("model", "fence"), [("TM-T20II", Fence.PROCESS_ID), ("generic-80mm", Fence.GS_R)]
)
def test_commissioning_finds_the_best_proof(model, fence):
    bench = Bench(model=model, speed=250.0)
    trial = Deferred.fromCoroutine(
        commission(bench.printer.endpoint(), clock=bench.clock, line=b"test", token="TEST")
    )
    bench.after(3.1)

    found = result(trial)
    assert found.fence is fence
    assert found.paper_status
    assert found.auto_status
    assert bench.texts == ["test\n"]


def test_commissioning_a_printer_without_proof_says_so(bench):
    bench.trouble("cover open")
    trial = Deferred.fromCoroutine(
        commission(bench.printer.endpoint(), clock=bench.clock, line=b"test", token="TEST")
    )
    bench.after(0)

    assert failure(trial, TemporaryFailure).reasons == ("cover-open",)


# --- on sockets


async def real_job(port, *, token="7K2Q", **kwargs):
    async def build():
        return TICKET

    return await print_job(
        TCP4ClientEndpoint(reactor, "127.0.0.1", port),
        build,
        clock=reactor,
        fence=Fence.PROCESS_ID,
        token=token,
        **kwargs,
    )


async def test_a_slip_over_a_socket():
    printer = VirtualPrinter(reactor)
    port = await printer.listen()
    try:
        assert str(await real_job(port)) == "GS ( H 7K2Q"
        assert [slip.text for slip in printer.slips] == [PAPER]
    finally:
        await printer.close()


async def test_a_port_nobody_listens_on():
    printer = VirtualPrinter(reactor)
    port = await printer.listen()
    await printer.close()

    with pytest.raises(TemporaryFailure) as caught:
        await real_job(port)
    assert caught.value.reasons == ("timed-out",)


CUTS = {
    "before the first question": 0,
    "within the questions": 5,
    "within ESC @": QUESTIONS + 1,
    "within the text": QUESTIONS + 200,
    "within the cut": QUESTIONS + len(command.prelude() + TICKET) - 2,
    "between slip and mark": QUESTIONS + len(command.prelude() + TICKET),
    "within the mark": LENGTH - 3,
}


@pytest.mark.parametrize("where", CUTS)
@pytest.mark.parametrize("words", ["cut off", "die"])
async def test_a_socket_cut(where, words):
    printer = VirtualPrinter(reactor)
    port = await printer.listen()
    try:
        printer.trouble(f"{words} after {CUTS[where]}")
        with pytest.raises(TemporaryFailure if CUTS[where] < QUESTIONS else Uncertain):
            await real_job(port)
        await printer.settled()
        printer.trouble("plug in")
        await printer.settled()

        assert (await real_job(port, token="NEXT", flush_first=True)).token == "NEXT"
        assert printer.slips[-1].text == PAPER
    finally:
        await printer.close()


async def test_a_printer_that_reads_nothing_costs_a_second_to_leave():
    links = []

    class Deaf(Protocol):
        def connectionMade(self):
            links.append(self.transport)
            self.transport.pauseProducing()

    port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(
        Factory.forProtocol(Deaf)
    )
    try:
        with pytest.raises(TemporaryFailure):
            await real_job(port.getHost().port, limits=Limits(answer=0.05, close=0.05))
    finally:
        links[0].abortConnection()
        await port.stopListening()


async def test_a_mute_printer_on_a_socket():
    printer = VirtualPrinter(reactor)
    port = await printer.listen()
    printer.trouble("mute")
    try:
        with pytest.raises(TemporaryFailure) as caught:
            await real_job(port, limits=Limits(answer=0.05))
        assert caught.value.reasons == ("timed-out",)
        await deferLater(reactor, 0.01)
        assert printer.slips == []
    finally:
        await printer.close()
