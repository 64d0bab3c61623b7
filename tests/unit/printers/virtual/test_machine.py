"""The virtual printer on a fake clock, reached in memory as its hosts reach it."""

import pytest
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock

from printers import command
from printers.virtual import VirtualPrinter
from printers.virtual.trouble import _WORDS, HELP

TICKET = b"K 6,9\nNa 140\nCl 101\n" + command.cut()
PAPER_OUT = b"\x1c\x00\x0f\x0f"
WELL = b"\x14\x00\x00\x0f"


class Host(Protocol):
    """Collects what the printer says."""

    def __init__(self):
        self.heard = b""
        self.lost = None

    def dataReceived(self, data):
        self.heard += data

    def connectionLost(self, reason):
        self.lost = reason.type.__name__


class Bench:
    def __init__(self, **kwargs):
        self.clock = Clock()
        self.printer = VirtualPrinter(self.clock, **kwargs)

    def host(self):
        hosts = []
        wanted = self.printer.endpoint().connect(Factory.forProtocol(Host))
        wanted.addCallbacks(hosts.append, hosts.append)
        self.after(0)
        return hosts[0]

    def after(self, seconds):
        """In small steps, so that what is timed one after another comes at its time."""
        end = self.clock.seconds() + seconds
        self.clock.advance(0)
        while self.clock.calls and self.clock.calls[0].getTime() <= end:
            self.clock.advance(max(0, self.clock.calls[0].getTime() - self.clock.seconds()))
        self.clock.advance(end - self.clock.seconds())

    def send(self, host, *data):
        """What the printer says to it."""
        host.heard = b""
        host.transport.write(b"".join(data))
        self.after(0)
        return host.heard

    @property
    def texts(self):
        return [slip.text for slip in self.printer.slips]


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def host(bench):
    return bench.host()


def ask(bench, host):
    return bench.send(host, *(command.status(n) for n in (1, 2, 3, 4))).hex()


# --- its answers


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        ("status", "16121212"),
        ("paper low", "1612121e"),
        ("paper out", "1e32127e"),
        ("cover open", "1e161212"),
        ("offline", "1e121212"),
    ],
)
def test_it_answers_as_a_tm_t20ii_does(bench, host, words, answers):
    bench.printer.trouble(words)

    assert ask(bench, host) == answers


@pytest.mark.parametrize(
    ("trouble", "remedy"),
    [("paper out", "paper in"), ("cover open", "cover close"), ("offline", "online")],
)
def test_trouble_ends(bench, host, trouble, remedy):
    bench.printer.trouble(trouble)
    bench.printer.trouble(remedy)

    assert ask(bench, host) == "16121212"


def test_it_reports_by_itself_once_asked_to(bench, host):
    assert bench.send(host, command.prelude()) == WELL

    bench.printer.trouble("paper out")
    bench.printer.trouble("paper in")
    bench.after(0)

    assert host.heard == WELL + PAPER_OUT + WELL


def test_it_says_nothing_by_itself_unless_asked(bench, host):
    bench.printer.trouble("paper out")
    bench.after(0)

    assert host.heard == b""


def test_initialising_silences_its_reports(bench, host):
    bench.send(host, command.prelude(), b"\x1b@")
    bench.printer.trouble("paper out")
    bench.after(0)

    assert host.heard == WELL


def test_real_time_commands_overtake_data(bench, host):
    bench.printer.machine.speed = 100.0

    heard = bench.send(host, b"K\n" * 20, command.fence("7K2Q"), command.status(1))

    assert heard == b"\x16"
    bench.after(5)
    assert host.heard == b'\x16\x37"7K2Q\x00'


def test_it_answers_amid_a_raster(bench, host):
    assert bench.send(host, b"\x1dv0\x00\x48\x00\x64\x00", command.status(1)) == b"\x16"


# --- its pace


def test_paper_takes_its_time():
    bench = Bench(speed=250.0)
    host = bench.host()
    bench.send(host, TICKET, command.fence("7K2Q"))  # 90 + 112 dots: 25.3 mm, and the cut

    bench.after(0.09)
    assert bench.texts == []
    bench.after(0.02)
    assert bench.texts == ["K 6,9\nNa 140\nCl 101\n"]
    assert host.heard == b""
    bench.after(0.3)
    assert host.heard == b'\x37"7K2Q\x00'


def test_a_slip_of_thousands_of_lines_lets_others_have_their_turn(bench, host):
    host.transport.write(b"x\n" * 1000)
    bench.clock.advance(0)

    assert bench.printer.machine.waiting == 0  # within advance(0): in turns, not in one go
    bench.send(host, command.cut())
    assert len(bench.texts[0].splitlines()) == 1000


# --- paper


def test_paper_runs_out_amid_a_job_and_the_rest_comes_after_the_refill(bench, host):
    bench.printer.trouble("paper out after 2")

    heard = bench.send(host, command.prelude(), TICKET, command.fence("7K2Q"))
    assert heard == WELL + PAPER_OUT
    assert bench.texts == []

    bench.printer.trouble("paper in")
    bench.after(0)
    assert host.heard == WELL + PAPER_OUT + WELL + b'\x37"7K2Q\x00'
    assert bench.texts == ["K 6,9\nNa 140\nCl 101\n"]


def test_the_rest_comes_even_when_its_host_has_gone(bench, host):
    bench.printer.trouble("paper out after 2")
    bench.send(host, TICKET)
    host.transport.loseConnection()
    bench.after(1)

    bench.printer.trouble("paper in")
    bench.after(0)

    assert bench.texts == ["K 6,9\nNa 140\nCl 101\n"]


def test_clearing_its_buffers_stops_the_job(bench, host):
    bench.printer.trouble("paper out after 2")
    bench.send(host, TICKET)

    assert bench.send(host, command.clear_buffers()) == b"\x37%\x00"

    bench.printer.trouble("paper in")
    bench.send(host, b"Na 138\n", command.cut())
    assert bench.texts == ["K 6,9\nNa 140\nNa 138\n"]  # what was printed stays on the paper


def test_white_paper_is_no_slip(bench, host):
    bench.send(host, command.cut(), command.flush(), command.cut())

    assert bench.texts == []


def test_somebody_tears_off_what_sticks_out(bench, host):
    bench.send(host, b"K 6,9\n")

    bench.printer.trouble("tear")

    assert bench.texts == ["K 6,9\n"]
    assert bench.printer.slips[0].cut == "torn"


def test_without_a_cutter_somebody_takes_the_paper_once_the_job_is_over():
    bench = Bench(model="POS-5890")
    host = bench.host()
    bench.send(host, b"K 6,9\n" + command.feed(4) + command.cut())
    assert bench.texts == []

    host.transport.loseConnection()
    bench.after(0)

    assert bench.texts == ["K 6,9\n"]


def test_paper_nobody_cuts_is_torn_off_after_four_metres(bench, host):
    bench.send(host, b"x\n" * 1500)

    assert len(bench.printer.slips) == 1
    assert "not cut for 4 m" in bench.printer.slips[0].warnings


def test_unknown_commands_are_shown_on_their_slip_only(bench, host):
    bench.send(host, b"\x1bB", TICKET, TICKET)

    assert [slip.unknown for slip in bench.printer.slips] == [("1b 42",), ()]


# --- the cutter


def test_a_jammed_cutter_stops_it_until_it_is_freed(bench, host):
    bench.printer.trouble("cutter jam")
    bench.send(host, TICKET, command.fence("7K2Q"))
    assert bench.texts == []
    assert ask(bench, host) == "1e521a12"

    bench.printer.trouble("cutter free")
    bench.after(0)

    assert bench.texts == ["K 6,9\nNa 140\nCl 101\n"]
    assert host.heard.endswith(b'\x37"7K2Q\x00')


def test_a_jammed_cutter_can_be_tried_again_by_command(bench, host):
    bench.printer.trouble("cutter jam")
    bench.send(host, TICKET)

    bench.send(host, b"\x10\x05\x01")
    assert ask(bench, host) == "1e521a12"  # still jammed

    bench.printer.machine.jammed = False
    bench.send(host, b"\x10\x05\x01")
    assert bench.texts == ["K 6,9\nNa 140\nCl 101\n"]


def test_a_jammed_job_can_be_given_up_by_command(bench, host):
    bench.printer.trouble("cutter jam")
    bench.send(host, TICKET, b"never\n")

    bench.printer.machine.jammed = False
    bench.send(host, b"\x10\x05\x02")

    assert ask(bench, host) == "16121212"
    assert bench.texts == []


# --- hosts


def test_one_host_prints_and_the_next_waits(bench, host):
    second = bench.host()

    assert bench.send(second, command.status(1)) == b""
    assert bench.send(host, command.status(1)) == b"\x16"

    host.transport.loseConnection()
    bench.after(0)
    assert second.heard == b"\x16"


def test_no_more_than_three_hosts(bench, host):
    bench.host()
    bench.host()

    assert "refused" in str(bench.host().value)
    assert bench.printer.hosts.count == 3


def test_a_silent_host_is_hung_up_on(bench, host):
    bench.after(299)
    bench.send(host, command.status(1))
    bench.after(299)
    assert host.lost is None

    bench.after(2)
    assert host.lost is not None


def test_what_does_not_fit_waits_outside(bench, host):
    bench.printer.trouble("paper out")
    host.transport.write(b"x" * 4000 + b"\n")
    bench.after(0)
    host.transport.write(b"y\n" * 3000)
    bench.after(0)

    assert bench.printer.machine.waiting <= 4096
    assert bench.send(host, command.status(1)) == b""  # it cannot read on

    bench.printer.trouble("paper in")
    bench.after(0)
    assert host.heard == b"\x16"
    assert bench.printer.machine.waiting == 0


def test_what_a_gone_host_left_waiting_is_still_printed(bench, host):
    bench.printer.trouble("paper out")
    host.transport.write(b"x\n" * 3000)
    bench.after(0)
    host.transport.write(command.cut())
    host.transport.loseConnection()
    bench.after(0)

    bench.printer.trouble("paper in")
    bench.after(0)

    assert sum(text.count("x") for text in bench.texts) == 3000


def test_a_half_received_command_swallows_the_next_hosts_slip(bench, host):
    bench.send(host, b"\x1dv0\x00\x48\x00\x5a\x00\xff\xff")
    host.transport.abortConnection()
    bench.after(0)
    second = bench.host()

    bench.send(second, TICKET, TICKET)
    assert bench.texts == []

    bench.send(second, command.flush(), command.cut(), TICKET)
    assert bench.texts[-1] == "K 6,9\nNa 140\nCl 101\n"


# --- power and cable


def test_a_pulled_cable_breaks_links_and_refuses_new_ones(bench, host):
    bench.printer.trouble("cut off")
    bench.after(0)

    assert host.lost == "ConnectionAborted"
    assert "refused" in str(bench.host().value)

    bench.printer.trouble("plug in")
    assert ask(bench, bench.host()) == "16121212"


def test_with_the_cable_pulled_it_prints_what_it_has():
    bench = Bench(speed=250.0)
    bench.send(bench.host(), TICKET)

    bench.printer.trouble("cut off")
    bench.after(1)

    assert bench.texts == ["K 6,9\nNa 140\nCl 101\n"]


def test_without_power_what_is_not_printed_is_lost():
    bench = Bench(speed=250.0)
    bench.send(bench.host(), TICKET, command.fence("7K2Q"))
    bench.after(0.01)

    bench.printer.trouble("die")
    bench.after(1)
    bench.printer.trouble("plug in")
    bench.send(bench.host(), b"Na 138\n", command.cut())
    bench.after(1)

    assert bench.texts == ["K 6,9\nNa 138\n"]


@pytest.mark.parametrize("words", ["cut off after 12", "die after 12"])
def test_trouble_after_so_many_bytes(bench, host, words):
    bench.printer.trouble(words)

    bench.send(host, TICKET)
    assert host.lost is not None

    bench.printer.trouble("plug in")
    bench.printer.trouble("tear")
    assert bench.texts == ["K 6,9\n"]


def test_the_cable_is_pulled_when_the_proof_is_due(bench, host):
    bench.printer.trouble("cut off at mark")

    bench.send(host, TICKET, command.fence("7K2Q"))

    assert host.heard == b""
    assert host.lost is not None
    assert bench.texts == ["K 6,9\nNa 140\nCl 101\n"]


def test_a_power_off_command_is_obeyed(bench, host):
    bench.send(host, b"\x10\x14\x02\x01\x08")

    assert host.lost is not None
    assert not bench.printer.machine.powered


def test_mute_it_prints_and_says_nothing(bench, host):
    bench.printer.trouble("mute")

    assert bench.send(host, TICKET, command.fence("7K2Q"), command.status(1)) == b""
    assert len(bench.texts) == 1


def test_frozen_it_does_nothing_until_it_thaws(bench, host):
    bench.printer.trouble("freeze")
    assert bench.send(host, TICKET, command.status(1)) == b""
    assert host.lost is None
    assert bench.texts == []

    bench.printer.trouble("thaw")
    bench.after(0)
    assert host.heard == b"\x16"
    assert len(bench.texts) == 1


# --- its words


@pytest.mark.parametrize(
    "words", [pattern.replace("(\\d+)", "3").rstrip("?") for pattern in _WORDS]
)
def test_it_understands_each_word_of_its_own(bench, words):
    assert bench.printer.trouble(f"  {words.upper()} ")


def test_what_it_does_not_understand_it_says(bench):
    with pytest.raises(ValueError, match="not understood: 'paper blue'"):
        bench.printer.trouble("paper blue")


def test_its_help_names_every_word(bench):
    words = {word for pattern in _WORDS for word in pattern.replace("?", "").split()}

    missing = {word for word in words - {"(\\d+)", "closed"} if word not in HELP}
    assert missing == set()
    assert bench.printer.trouble("help") == HELP


def test_its_status_in_one_line(bench, host):
    bench.printer.trouble("paper low")
    bench.send(host, TICKET)

    assert bench.printer.trouble("status") == (
        "printer (TM-T20II): on line, paper low, cover closed, 0 bytes waiting, 1 hosts, 1 slips"
    )
