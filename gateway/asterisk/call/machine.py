"""The states of a call that was placed, and the only moves between them."""

from __future__ import annotations

from typing import Protocol

from automat import TypeMachineBuilder


class Inputs(Protocol):
    """What may move a call."""

    def ring(self) -> None: ...
    def answer(self) -> None: ...
    def end(self) -> None: ...
    def doubt(self) -> None: ...
    def find(self) -> None: ...
    def give_up(self) -> None: ...


class Core(Protocol):
    """Who lives through the moves."""

    def enter(self, state: str) -> None: ...


STATES = ("dialled", "ringing", "answered", "doubtful", "over", "unknown")
_LIVE = ("dialled", "ringing", "answered")

# Asterisk tells of one moment in any order, and some things twice: what changes nothing stays.
_MOVES = (
    ("dialled", "ring", "ringing"),
    ("dialled", "answer", "answered"),
    ("ringing", "answer", "answered"),
    *((state, "doubt", "doubtful") for state in _LIVE),
    *((state, "end", "over") for state in _LIVE),
    ("doubtful", "find", "dialled"),  # it lives: what is known of it is told again
    ("doubtful", "end", "over"),  # it is gone, and its program says how
    ("doubtful", "give_up", "unknown"),
    *((state, "give_up", "unknown") for state in _LIVE),
)

_builder = TypeMachineBuilder(Inputs, Core)  # type: ignore[type-abstract] # any class will do
_PLACES = {name: _builder.state(name) for name in STATES}


def _connect(before: str, name: str, after: str) -> None:
    def output(machine: Inputs, core: Core) -> None:
        core.enter(after)

    _PLACES[before].upon(getattr(Inputs, name)).to(_PLACES[after])(output)


for _move in _MOVES:
    _connect(*_move)
for _state in STATES:
    for _input in ("ring", "answer", "end", "doubt", "find", "give_up"):
        if not any(move[:2] == (_state, _input) for move in _MOVES):
            _PLACES[_state].upon(getattr(Inputs, _input)).loop().returns(None)

build = _builder.build()
