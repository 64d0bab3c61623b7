"""The only moves between the platform's states: four where the watch judges, two where a person said so."""

from __future__ import annotations

from typing import Protocol

from automat import TypeMachineBuilder

from gateway.platform.evidence import State


class Inputs(Protocol):
    """What may move the state; each with the reason, and the person ("": the watch)."""

    def doubt(self, reason: str, by: str) -> None: ...
    def clear(self, reason: str, by: str) -> None: ...
    def fail(self, reason: str, by: str) -> None: ...
    def hope(self, reason: str, by: str) -> None: ...
    def trust(self, reason: str, by: str) -> None: ...
    def say_down(self, reason: str, by: str) -> None: ...
    def say_up(self, reason: str, by: str) -> None: ...


class Core(Protocol):
    """Who lives through the moves."""

    def enter(self, state: State, *, reason: str, by: str) -> None: ...


def build(core: Core, *, state: State, said: bool) -> Inputs:
    """A machine in `state`; `said`: because a person said so.

    An input that has no move where it comes is a bug: automat raises NoTransition.
    """
    place = state.value
    if said:
        place = "said up" if state.open else "said down"
    return _build(core, _PLACES[place])


def diagram() -> str:
    """The machine as a Mermaid state diagram, for the docs."""
    moves = (f"    {a.replace(' ', '_')} --> {b.replace(' ', '_')}: {i}" for a, i, b in _MOVES)
    return "\n".join(("stateDiagram-v2", "    [*] --> up", *moves))


_SAID = {"said down": State.DOWN, "said up": State.UP}
_ALL = (*(state.value for state in State), *_SAID)

_MOVES = (
    ("up", "doubt", "suspect"),
    ("up", "fail", "down"),
    ("suspect", "clear", "up"),
    ("suspect", "fail", "down"),
    ("down", "hope", "recovering"),
    ("recovering", "fail", "down"),
    ("recovering", "trust", "up"),
    ("said up", "hope", "up"),  # the watch judges again
    *((place, "say_down", "said down") for place in _ALL),
    *((place, "say_up", "said up") for place in _ALL),
)

_builder = TypeMachineBuilder(Inputs, Core)  # type: ignore[type-abstract] # any class will do
_PLACES = {name: _builder.state(name) for name in _ALL}


def _connect(before: str, name: str, after: str) -> None:
    state = _SAID.get(after) or State(after)

    def output(machine: Inputs, core: Core, reason: str, by: str) -> None:
        core.enter(state, reason=reason, by=by)

    _PLACES[before].upon(getattr(Inputs, name)).to(_PLACES[after])(output)


for _move in _MOVES:
    _connect(*_move)
# Good evidence changes nothing while a person holds it down.
_PLACES["said down"].upon(Inputs.hope).loop().returns(None)
_build = _builder.build()
