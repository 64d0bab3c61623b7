import pytest
import structlog
from twisted.application.service import Service
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor

from gateway.service import Listener, Stack, spawn, together


class Child(Service):
    def __init__(self, name, events, *, up=None, down=None):
        self.name = name
        self.events = events
        self.up = up
        self.down = down

    def startService(self):
        super().startService()
        self.events.append(f"{self.name} up")
        return self.up

    def stopService(self):
        super().stopService()
        self.events.append(f"{self.name} down")
        return self.down


def stack(*children):
    whole = Stack()
    for child in children:
        whole.addService(child)
    return whole


def failure_of(deferred):
    failures = []
    deferred.addErrback(failures.append)
    return failures[0].value


def test_each_child_waits_for_the_one_before():
    events, store_open = [], Deferred()
    whole = stack(Child("store", events, up=store_open), Child("intake", events))

    started = whole.startService()
    before = list(events)
    store_open.callback(None)

    assert before == ["store up"]
    assert events == ["store up", "intake up"]
    assert started.called


def test_it_stops_in_reverse_and_waits():
    events, drained = [], Deferred()
    whole = stack(Child("store", events), Child("intake", events, down=drained))
    whole.startService()
    del events[:]

    stopped = whole.stopService()
    before = list(events)
    drained.callback(None)

    assert before == ["intake down"]
    assert events == ["intake down", "store down"]
    assert stopped.called


@pytest.mark.parametrize("how", ["raises", "fails"])
def test_a_child_that_cannot_start_stops_the_start(how):
    events = []
    bad = Child("intake", events)
    bad.startService = lambda: fail(OSError("taken")) if how == "fails" else 1 / 0
    whole = stack(Child("store", events), bad, Child("web", events))

    error = failure_of(whole.startService())
    whole.stopService()

    assert isinstance(error, OSError | ZeroDivisionError)
    assert events == ["store up", "store down"]


def test_a_child_that_cannot_stop_does_not_keep_the_store_open():
    events = []
    bad = Child("intake", events, down=fail(OSError("stuck")))
    whole = stack(Child("store", events), bad)
    whole.startService()

    with structlog.testing.capture_logs() as logs:
        stopped = whole.stopService()

    assert stopped.called
    assert events[-1] == "store down"
    assert [(log["event"], log["service"]) for log in logs] == [("service.stop_failed", "intake")]


def test_a_listener_keeps_its_port_until_it_stops():
    reactor = MemoryReactor()
    listener = Listener(TCP4ServerEndpoint(reactor, 2575), Factory())

    listener.startService()
    port = listener.port
    stopped = listener.stopService()

    assert port.getHost().port == 2575
    assert stopped.called
    assert listener.port is None


def test_a_port_that_is_taken_fails_the_start():
    class Taken:
        def listen(self, factory):
            return fail(CannotListenError("127.0.0.1", 2575, OSError("in use")))

    listener = Listener(Taken(), Factory())
    whole = stack(listener)

    error = failure_of(whole.startService())

    assert isinstance(error, CannotListenError)
    assert not listener.running


def test_work_nobody_awaits_is_heard_when_it_fails():
    async def work():
        raise ValueError("bad")

    with structlog.testing.capture_logs() as logs:
        done = spawn(work(), "claim")

    assert done.called
    assert [(log["event"], log["what"]) for log in logs] == [("work.failed", "claim")]


def test_work_nobody_awaits_can_be_cancelled():
    stopped = []

    async def work():
        await Deferred(lambda _: stopped.append(True))

    done = spawn(work(), "claim")
    done.cancel()

    assert stopped == [True]
    assert done.called


def test_work_that_ends_well_says_nothing():
    async def work():
        return await succeed(3)

    with structlog.testing.capture_logs() as logs:
        spawn(work(), "claim")

    assert logs == []


def test_works_together_begin_in_order_before_any_has_ended():
    began = []
    gates = [Deferred(), Deferred()]

    async def work(number):
        began.append(number)
        await gates[number]

    whole = Deferred.fromCoroutine(together(work(number) for number in (0, 1)))

    assert began == [0, 1]
    gates[1].callback(None)
    assert not whole.called
    gates[0].callback(None)
    assert whole.called


def test_one_of_works_together_that_fails_is_heard_once_the_others_have_ended():
    slow = Deferred()

    async def bad():
        raise ValueError("bad")

    async def good():
        await slow

    whole = Deferred.fromCoroutine(together([bad(), good()]))

    assert not whole.called
    slow.callback(None)
    assert isinstance(failure_of(whole), ValueError)


def test_works_together_are_cancelled_together():
    stopped = []

    async def work():
        await Deferred(lambda _: stopped.append(True))

    done = spawn(together([work(), work()]), "lane")
    done.cancel()

    assert stopped == [True, True]
    assert done.called
