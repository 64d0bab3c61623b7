"""The states of the link to Asterisk, and the only moves between them."""

from __future__ import annotations

from typing import Protocol

from automat import TypeMachineBuilder


class Inputs(Protocol):
    """What may move the link."""

    def begin(self) -> None: ...
    def connected(self) -> None: ...
    def known(self) -> None: ...
    def lost(self, why: str) -> None: ...
    def again(self) -> None: ...
    def end(self) -> None: ...


class Core(Protocol):
    """Who lives through the moves."""

    def connect(self) -> None: ...
    def log_in(self) -> None: ...
    def rise(self) -> None: ...
    def fall(self, why: str) -> None: ...
    def rest(self, why: str) -> None: ...
    def drop(self) -> None: ...


_builder = TypeMachineBuilder(Inputs, Core)  # type: ignore[type-abstract] # any class will do
_stopped = _builder.state("stopped")
_connecting = _builder.state("connecting")
_greeting = _builder.state("greeting")
_up = _builder.state("up")
_resting = _builder.state("resting")


@_stopped.upon(Inputs.begin).to(_connecting)
@_resting.upon(Inputs.again).to(_connecting)
def _connect(machine: Inputs, core: Core) -> None:
    core.connect()


@_connecting.upon(Inputs.connected).to(_greeting)
def _log_in(machine: Inputs, core: Core) -> None:
    core.log_in()


@_greeting.upon(Inputs.known).to(_up)
def _rise(machine: Inputs, core: Core) -> None:
    core.rise()


@_up.upon(Inputs.lost).to(_resting)
def _fall(machine: Inputs, core: Core, why: str) -> None:
    core.fall(why)


@_connecting.upon(Inputs.lost).to(_resting)
@_greeting.upon(Inputs.lost).to(_resting)
def _rest(machine: Inputs, core: Core, why: str) -> None:
    core.rest(why)


@_connecting.upon(Inputs.end).to(_stopped)
@_greeting.upon(Inputs.end).to(_stopped)
@_up.upon(Inputs.end).to(_stopped)
@_resting.upon(Inputs.end).to(_stopped)
def _drop(machine: Inputs, core: Core) -> None:
    core.drop()


# What a connection that was given up still says changes nothing.
_stopped.upon(Inputs.lost).loop().returns(None)
_resting.upon(Inputs.lost).loop().returns(None)
_stopped.upon(Inputs.end).loop().returns(None)
_stopped.upon(Inputs.known).loop().returns(None)
_resting.upon(Inputs.known).loop().returns(None)

build = _builder.build()
