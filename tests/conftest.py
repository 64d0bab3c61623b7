"""Runs `async def` tests on the asyncio reactor; unheard errors and left-over timers fail them."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os

import pytest
from hypothesis import settings
from twisted.internet import asyncioreactor
from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher

_LOOP = asyncio.new_event_loop()
asyncioreactor.install(_LOOP)  # before anything imports the default one

from twisted.internet import reactor  # noqa: E402

# Slow is not wrong on a busy machine; "thorough" is for a night: HYPOTHESIS_PROFILE=thorough.
settings.register_profile("quick", deadline=None, max_examples=20)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

_PATIENCE = 30.0  # seconds: a test that takes longer hangs, unless it is marked patience(SECONDS)


@pytest.fixture
def lost_errors():
    """Errors logged during an async test: what is still in it at the end fails the test."""
    errors = []

    def watch(event):
        if event.get("log_failure") is not None:
            errors.append(event["log_failure"])

    globalLogPublisher.addObserver(watch)
    _LOOP.set_exception_handler(lambda _, context: errors.append(context))
    yield errors
    globalLogPublisher.removeObserver(watch)
    _LOOP.set_exception_handler(None)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    errors = pyfuncitem._request.getfixturevalue("lost_errors")
    wanted = pyfuncitem._fixtureinfo.argnames
    test = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted})
    marked = pyfuncitem.get_closest_marker("patience")
    _LOOP.run_until_complete(_run(test, marked.args[0] if marked else _PATIENCE))
    _check(errors)
    return True


async def _run(test, patience):
    if not reactor.running:
        reactor.startRunning(installSignalHandlers=False)
    try:
        await asyncio.wait_for(Deferred.fromCoroutine(test).asFuture(_LOOP), patience)
    finally:
        for _ in range(5):  # closing sockets take a few turns of the loop to say goodbye
            await asyncio.sleep(0)


def _check(errors):
    gc.collect(0)  # a Deferred reports a failure nobody handled when it dies
    left = [call for call in reactor.getDelayedCalls() if call.active()]
    for call in left:
        call.cancel()
    assert not errors, f"errors nobody heard: {errors}"
    assert not left, f"timers left over: {left}"


def pytest_sessionfinish():
    if reactor.running:
        reactor.fireSystemEvent("shutdown")  # ends the thread pool
    _LOOP.close()
