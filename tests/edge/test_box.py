"""The box with real children: whatever they do, the caller gets an answer or a reason, and lives on."""

from __future__ import annotations

import os
import resource
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog
from twisted.internet import endpoints, protocol, reactor
from twisted.internet.defer import CancelledError, Deferred, DeferredList, maybeDeferred

from gateway.box import Box, BoxFailed, Why, child
from gateway.clock import ReactorClock

HERE = Path(__file__).parent
START = "import runpy, sys; sys.path.insert(0, {here!r}); runpy.run_path({child!r}, run_name='__main__')"
COMMAND = (sys.executable, "-I", "-c", START.format(here=str(HERE), child=child.__file__))


@asynccontextmanager
async def boxed(**settings):
    box = Box(reactor, ReactorClock(reactor), command=COMMAND, **settings)
    box.startService()
    try:
        yield box
    finally:
        await maybeDeferred(box.stopService)
        assert not box._workers


async def failing(box, function, payload=b"", **how):
    with pytest.raises(BoxFailed) as caught:
        await box.call(f"boxed_work:{function}", payload, **how)
    return caught.value


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_it_gives_back_what_the_function_returned():
    async with boxed() as box:
        assert await box.call("boxed_work:echo", b"") == b""
        large = os.urandom(5_000_000)
        assert await box.call("boxed_work:echo", large) == large


async def test_our_own_command_runs_what_the_package_holds():
    box = Box(reactor, ReactorClock(reactor))
    box.startService()
    assert await box.call("binascii:hexlify", b"\x0b") == b"0b"
    assert (await failing_with(box, "os:fsencode2")).detail == "AttributeError"
    assert (await failing_with(box, "no.such:thing")).detail == "ModuleNotFoundError"
    await box.stopService()


async def failing_with(box, function):
    with pytest.raises(BoxFailed) as caught:
        await box.call(function, b"")
    return caught.value


@pytest.mark.parametrize(
    ("function", "why", "detail"),
    [
        ("loop", Why.TIME, ""),
        ("eat", Why.MEMORY, ""),
        ("crash", Why.CRASH, "SIGSEGV"),
        ("leave", Why.CRASH, "exit status 3"),
        ("nest", Why.RAISED, "RecursionError"),
        ("ask", Why.RAISED, "LookupError"),
        ("text", Why.RAISED, "TypeError"),
        ("lie", Why.ANSWER, ""),
    ],
)
async def test_whatever_it_does_the_reason_is_told_and_the_next_call_works(function, why, detail):
    async with boxed() as box:
        failed = await failing(box, function, timeout=0.3 if function == "loop" else 20)
        assert (failed.why, failed.detail) == (why, detail)
        assert "MARTIN" not in str(failed)
        assert await box.call("boxed_work:echo", b"again") == b"again"


async def test_what_it_prints_goes_nowhere(capfd):
    async with boxed() as box:
        assert await box.call("boxed_work:shout", b"") == b"done"
    assert "MARTIN" not in "".join(capfd.readouterr())


async def test_it_reaches_no_network():
    class Heard(protocol.Protocol):
        def connectionMade(self):
            self.transport.loseConnection()

    listening = await endpoints.serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(
        protocol.Factory.forProtocol(Heard)
    )
    async with boxed() as box:
        port = str(listening.getHost().port).encode()
        answer = await box.call("boxed_work:connect", port)
        bounds = box._workers[0].bounds
    await listening.stopListening()
    if "network" not in bounds:
        pytest.skip("this machine does not let a process give up its network")
    assert answer == b"OSError"  # network unreachable


async def test_it_is_said_once_where_the_network_cannot_be_given_up():
    started = START.format(here=str(HERE), child=child.__file__)
    class_of = f"import ctypes; ctypes.CDLL = type('C', (), dict(__init__=lambda *a, **k: None, __getattr__=lambda *a: lambda *b: 1)); {started}"  # noqa: E501
    with structlog.testing.capture_logs() as logs:
        box = Box(reactor, ReactorClock(reactor), command=(sys.executable, "-I", "-c", class_of))
        box.startService()
        for _ in range(2):
            await failing(box, "ask")
        await box.stopService()
    assert [entry["event"] for entry in logs] == ["box.has_network"]


async def test_it_has_nothing_of_ours(monkeypatch):
    monkeypatch.setenv("WARDLINE_SECRET", "open sesame")
    with open(__file__) as _:  # noqa: PTH123, ASYNC230
        async with boxed() as box:
            seen = eval(await box.call("boxed_work:look", b""))
    assert "WARDLINE_SECRET" not in seen["env"]
    assert seen["cwd"] == "/"
    assert {t.partition(":")[0] for t in seen["open"]} == {"/dev/null", "socket"}
    assert sum(t.startswith("socket") for t in seen["open"]) == 1


async def test_it_writes_no_file(tmp_path):
    target = tmp_path / "left"
    async with boxed() as box:
        await failing(box, "write", str(target).encode())
    assert not target.exists() or target.stat().st_size == 0


async def test_a_child_is_kept_and_then_replaced():
    async with boxed(jobs=3) as box:
        pids = [await box.call("boxed_work:pid", b"") for _ in range(7)]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [3, 3, 1]
    assert not any(alive(int(pid)) for pid in pids)


async def test_a_child_that_grew_is_replaced():
    async with boxed() as box:
        assert await box.call("boxed_work:leak", b"300000000") == b"1"
        assert await box.call("boxed_work:leak", b"300000000") == b"1"


async def test_calls_wait_their_turn_and_no_more_than_the_cap_wait():
    async with boxed(waiting=3, workers=2) as box:
        works = [Deferred.fromCoroutine(box.call("boxed_work:echo", b"%d" % n)) for n in range(3)]
        assert (await failing(box, "echo")).why is Why.BUSY
        assert [r for _, r in await DeferredList(works)] == [b"0", b"1", b"2"]


async def test_one_that_loops_holds_up_its_own_child_only():
    async with boxed(workers=2) as box:
        looping = Deferred.fromCoroutine(box.call("boxed_work:loop", b"", timeout=60))
        assert await box.call("boxed_work:echo", b"through") == b"through"
        looping.cancel()
        with pytest.raises(CancelledError):
            await looping


async def test_stopping_fails_what_is_under_way_and_kills():
    async with boxed() as box:
        pid = int(await box.call("boxed_work:pid", b""))
        works = [Deferred.fromCoroutine(box.call("boxed_work:loop", b"")) for _ in range(2)]
    for work in works:
        with pytest.raises(BoxFailed, match="stopped"):
            await work
    with pytest.raises(BoxFailed, match="stopped"):
        await box.call("boxed_work:echo", b"")
    assert not alive(pid)


async def test_a_child_that_cannot_start_fails_its_caller():
    box = Box(reactor, ReactorClock(reactor), command=(sys.executable, "-I", "-c", "1/0"))
    box.startService()
    for _ in range(2):
        failed = await failing(box, "echo")
        assert (failed.why, failed.detail) == (Why.CRASH, "no child can be started")
    await box.stopService()
    box = Box(reactor, ReactorClock(reactor), command=("/no/such/interpreter",))
    box.startService()
    assert (await failing(box, "echo")).why is Why.CRASH
    await box.stopService()


async def test_an_answer_past_the_longest_is_not_held():
    async with boxed(longest=1_000_000) as box:
        before = resident()
        assert (await failing(box, "much", b"300000000")).why is Why.ANSWER
        assert resident() - before < 50_000_000


async def test_the_parent_stays_as_small_as_it_was():
    async with boxed() as box:
        await box.call("boxed_work:echo", b"x" * 1_000_000)
        before = resident()
        for _ in range(30):
            await box.call("boxed_work:echo", b"x" * 1_000_000)
            await failing(box, "ask")
        assert resident() - before < 30_000_000


async def test_memory_is_bounded_to_the_byte_asked_for():
    async with boxed(memory=300 * 2**20) as box:
        assert eval(await box.call("boxed_work:limits", b""))[1] == 300 * 2**20


async def test_a_child_starts_no_process():
    async with boxed() as box:
        if os.geteuid() == 0:
            pytest.skip("root is not held by a limit on processes")
        assert (await failing(box, "fork")).why is Why.RAISED
