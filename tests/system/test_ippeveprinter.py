"""The page channel with a printer of another hand: ippeveprinter, in every trouble it can be given."""

from __future__ import annotations

import asyncio
import ctypes
import subprocess
from contextlib import asynccontextmanager

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from gateway.box import Box
from gateway.bridge import from_asyncio
from gateway.channels import Job
from gateway.channels.ipp import Settings, build
from gateway.clock import ReactorClock
from gateway.errors import PermanentFailure, TemporaryFailure, Uncertain
from gateway.ipp.address import address
from gateway.ipp.printer import Printer
from gateway.ipp.wire import Patience, Wire
from gateway.paper import Typesetter
from printers.slip import Slip, Text
from tests.system.cutter import Cutter
from tests.system.eve import Eve, shim

pytestmark = pytest.mark.system
SLIP = Slip(header=(), body=(Text(text="Potassium 6,8 mmol/L — µ γ é"),))


@pytest.fixture(scope="module")
def avahi(tmp_path_factory):
    return shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture(scope="module")
def running(tmp_path_factory, avahi):
    printer = Eve(tmp_path_factory.mktemp("eve") / "printer", avahi)
    try:
        yield printer
    finally:
        printer.close()


@pytest.fixture
def eve(running):
    return running.calm()


class Bench:
    def __init__(self, uri, paper=None, **settings):
        self.clock = ReactorClock(reactor)
        settings = Settings(name="page", kind="ipp", connect=uri, **settings)
        self.channel = build(settings, reactor=reactor, clock=self.clock, paper=paper)
        self.troubles = []
        self.begun = 0

    async def begin(self):
        self.begun += 1
        return SLIP

    def deliver(self, *, until=20.0):
        job = Job(
            begin=self.begin,
            until=self.clock.now() + until,
            trouble=self.troubles.append,
            name="WL-7",
        )
        return Deferred.fromCoroutine(self.channel.deliver(job))


async def sleep(seconds):
    await from_asyncio(asyncio.sleep(seconds))


async def until(true, within=10.0):
    end = reactor.seconds() + within
    while not true():
        assert reactor.seconds() < end, "it did not happen"
        await sleep(0.02)


async def cancelled(eve):
    """The printer was told to drop the job that it holds."""
    place = address(eve.uri)
    wire = Wire(place.endpoint(reactor), place, clock=reactor, patience=Patience())
    try:
        printer, end = Printer(wire, eve.uri), reactor.seconds() + 20
        while not any("processing-to-stop-point" in r.reasons for r in await printer.waiting()):
            assert reactor.seconds() < end, "nobody told it"
            await sleep(0.1)
    finally:
        wire.close()


async def failure(work, kind):
    with pytest.raises(kind) as failed:
        await work
    return failed.value


async def test_a_page_comes_out_and_is_proved(eve):
    bench = Bench(eve.uri)
    receipt = await bench.deliver()

    assert "completed, sides printed: 1" in receipt.proof
    (paper,) = eve.printed
    assert paper.read_bytes().startswith(b"%PDF-")
    assert bench.troubles == []


async def test_it_says_how_it_is(eve):
    status = await Deferred.fromCoroutine(Bench(eve.uri).channel.probe())
    assert (status.state, status.reasons) == ("ok", ())


async def test_paper_out_in_mid_job_is_told_waited_for_and_proved(eve):
    bench = Bench(eve.uri)
    eve.hold("media-empty-error")
    done = bench.deliver()
    await until(lambda: bench.troubles)
    assert bench.troubles == [("media-empty",)]
    assert not done.called
    eve.unset("hold")
    assert "completed" in (await done).proof
    assert bench.troubles[-1] == ()
    assert len(eve.printed) == 1


async def test_what_is_held_at_the_deadline_is_taken_back_and_never_comes_out(eve):
    bench = Bench(eve.uri)
    eve.hold("media-empty-error")
    done = bench.deliver(until=1.5)
    await cancelled(eve)
    eve.set("stop")  # the printer obeys and drops the page it was to print
    failed = await failure(done, TemporaryFailure)
    assert failed.reasons == ("media-empty",)
    assert eve.printed == []


async def test_a_held_page_that_the_printer_does_not_drop_is_uncertain(eve):
    bench = Bench(eve.uri)
    eve.hold("media-empty-error")
    failed = await failure(bench.deliver(until=1.0), Uncertain)
    assert failed.reasons == ("media-empty",)
    eve.unset("hold")
    await until(lambda: eve.printed)  # it came out all the same


async def test_an_aborted_job_may_be_printed_elsewhere(eve):
    eve.set("abort")
    await failure(Bench(eve.uri).deliver(), TemporaryFailure)
    assert eve.printed == []


async def test_completed_without_a_side_is_uncertain(eve):
    eve.set("blank")
    await failure(Bench(eve.uri).deliver(), Uncertain)


async def test_a_busy_printer_is_tried_again_later(eve):
    eve.set("time", "2")
    first = Bench(eve.uri).deliver()
    await sleep(0.5)
    failed = await failure(Bench(eve.uri).deliver(), TemporaryFailure)
    assert failed.reasons == ("busy",)
    assert "completed" in (await first).proof


async def test_a_printer_killed_in_mid_job_and_started_again_leaves_it_uncertain(eve):
    eve.set("time", "60")
    bench = Bench(eve.uri, printing="10s")
    done = bench.deliver()
    await sleep(0.7)
    eve.kill()
    await sleep(0.3)
    eve.start()
    failed = await failure(done, Uncertain)
    assert "restarted" in failed.detail


async def test_a_printer_that_is_off_is_a_temporary_failure_without_a_number(eve):
    eve.kill()
    bench = Bench(eve.uri)
    failed = await failure(bench.deliver(), TemporaryFailure)
    assert failed.reasons == ("timed-out",)
    assert bench.begun == 0
    assert (await Deferred.fromCoroutine(bench.channel.probe())).state == "unreachable"


# -- the certificate


@asynccontextmanager
async def certificate(eve):
    yield await from_asyncio(asyncio.to_thread(_fetched, eve))


def _fetched(eve):
    words = ["openssl", "s_client", "-connect", f"localhost:{eve.port}"]
    return subprocess.run(words, input="", capture_output=True, text=True, timeout=20).stdout


async def test_over_ipps_only_the_pinned_certificate_is_printed_to(eve, tmp_path):
    async with certificate(eve) as pem:
        assert "BEGIN CERTIFICATE" in pem
    (tmp_path / "eve.pem").write_text(pem)
    secure = eve.uri.replace("ipp:", "ipps:")

    receipt = await Bench(secure, certificate=tmp_path / "eve.pem").deliver()
    assert "completed" in receipt.proof

    stranger = Bench(secure, fingerprint="ab" * 32)
    failed = await failure(stranger.deliver(), TemporaryFailure)
    assert failed.reasons == ("untrusted",)
    assert stranger.begun == 0
    status = await Deferred.fromCoroutine(stranger.channel.probe())
    assert (status.state, status.reasons) == ("trouble", ("untrusted",))


async def test_a_format_it_does_not_take_is_refused_before_a_number_is_given(eve, avahi, tmp_path):
    other = Eve(tmp_path / "other", avahi, formats="application/vnd.hp-PCL").start()
    try:
        bench = Bench(other.uri)
        await failure(bench.deliver(), PermanentFailure)
        assert bench.begun == 0
    finally:
        other.close()


# -- without PDF


async def test_a_printer_that_knows_no_pdf_is_sent_its_pages_as_pwg_raster(avahi, tmp_path):
    """Read back by libcups, which is of another hand."""
    other = Eve(tmp_path / "raster", avahi, formats="image/pwg-raster").start()
    clock = ReactorClock(reactor)
    box = Box(reactor, clock)
    box.startService()
    try:
        bench = Bench(other.uri, paper=Typesetter(reactor, box))
        receipt = await bench.deliver(until=60.0)
        assert "completed, sides printed: 1" in receipt.proof
        ((head, rows),) = cups_raster(other.printed[0])
        assert (head["across"], head["bits"], head["dpi"]) == (2480, 1, 300)
        ink = sum(row.count(bytes([n])) * n.bit_count() for row in rows for n in range(1, 256))
        assert 2_000 < ink < 200_000, "some letters on a white page"
    finally:
        await box.stopService()
        other.close()


def cups_raster(file):
    """(head, rows) of each page, by libcups."""
    cups = ctypes.CDLL("libcups.so.2")
    cups.cupsRasterOpen.restype = ctypes.c_void_p
    for name in ("cupsRasterReadHeader2", "cupsRasterReadPixels", "cupsRasterClose"):
        getattr(cups, name).argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint][
            : {"cupsRasterReadPixels": 3, "cupsRasterReadHeader2": 2, "cupsRasterClose": 1}[name]
        ]
    with file.open("rb") as opened:
        raster = cups.cupsRasterOpen(opened.fileno(), 0)
        head = ctypes.create_string_buffer(1796)
        pages = []
        while cups.cupsRasterReadHeader2(raster, head):
            dpi, across, down, bits, stride = (
                int.from_bytes(head.raw[at : at + 4], "little") for at in (276, 372, 376, 384, 392)
            )
            row = ctypes.create_string_buffer(stride)
            rows = []
            for _ in range(down):
                assert cups.cupsRasterReadPixels(raster, row, stride) == stride
                rows.append(row.raw[:stride])
            pages.append(({"dpi": dpi, "across": across, "bits": bits}, rows))
        cups.cupsRasterClose(raster)
    return pages


# -- the link


@pytest.mark.parametrize("way", ["up", "down"])
async def test_a_link_cut_anywhere_never_loses_a_page_and_never_prints_it_twice_unsaid(eve, way):
    """The questions before it, its own, the document and the answer: some thirty kilobytes up."""
    told = set()
    cutter = Cutter(eve.port)
    port = await cutter.listen()
    try:
        for after in _places(way):
            for each in eve.printed:
                each.unlink()
            bench = Bench(f"ipp://127.0.0.1:{port}/ipp/print")
            setattr(cutter, way, after)
            try:
                await bench.deliver(until=15.0)
                told.add("delivered")
                assert len(eve.printed) == 1, f"no page, cut {way} after {after}"
            except TemporaryFailure:
                told.add("temporary")
                await sleep(0.3)
                assert eve.printed == [], f"a page nobody speaks of, cut {way} after {after}"
            except Uncertain:
                told.add("uncertain")
            cutter.up = cutter.down = None
    finally:
        await cutter.close()
    assert cutter.cuts >= 8
    assert {"delivered", "temporary"} <= told


def _places(way):
    """Bytes after which the link breaks."""
    if way == "up":
        return (10, 700, 1300, 1700, 2100, 2500, 3000, 8000, 20_000, 33_000)
    return (10, 2000, 2600, 2700, 2800, 2900, 3000, 3100, 3300, 3600)
