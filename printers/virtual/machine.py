"""The printer as a machine: its buffer, its sensors, its pace, and what it says of itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from printers.model import Cut as Blade
from printers.model import Model
from printers.virtual.condition import Condition, Paper
from printers.virtual.effect import Cut, Effect, Fed, Reply, Report
from printers.virtual.head import Head
from printers.virtual.interpreter import execute
from printers.virtual.lexer import Lexer, Op
from printers.virtual.paper import Roll, Slip
from printers.virtual.realtime import Act, RealTime, Scanner
from printers.virtual.roles import Clock, Surroundings, Timer

HEAD_TO_BLADE = 112  # dots: 14 mm, and as much white at the top of every slip
CUT_TIME = 0.3  # seconds
LONGEST_PIECE = 32_000  # dots, 4 m: paper nobody cuts is torn off by somebody
TURN = 200  # effects carried out before others have their turn of the reactor

REAL_TIME_OPS = frozenset({"DLE EOT", "DLE ENQ", "DLE DC4"})


class Machine:
    """Prints what it `receive`s at `speed` mm/s (0: at once) on its clock."""

    def __init__(
        self, clock: Clock, around: Surroundings, *, model: Model, speed: float = 0.0
    ) -> None:
        self.model = model
        self.speed = speed
        self.condition = Condition()
        self.muted = False  # prints, but says nothing
        self.frozen = False  # does nothing at all
        self.powered = True
        self.jammed = False  # something stands in the blade's way
        self.lines_left: int | None = None  # until paper runs out
        self.printed = 0  # slips
        self._clock = clock
        self._around = around
        self._head = Head(model, Roll(HEAD_TO_BLADE, y=HEAD_TO_BLADE), low=self._low)
        self._timer: Timer | None = None
        self._taking = 0  # slips the world has not taken yet
        self._report_mask = 0
        self._reported = b""
        self._scanner = Scanner()
        self._lexer = Lexer()
        self._queue: deque[Op] = deque()
        self._queued = 0
        self._effects: Iterator[Effect] | None = None
        self._going = False
        self._hand_waits = False

    # --- what comes in

    @property
    def room(self) -> int:
        """Bytes it takes now; a command longer than the buffer streams through it."""
        return max(0, self.model.buffer - self._queued)

    @property
    def waiting(self) -> int:
        """Bytes received and not carried out, a command half received among them."""
        return self._queued + self._lexer.waiting

    def host_gone(self) -> None:
        """The host it printed for has hung up: without a cutter, somebody takes the paper."""
        self._hand_waits = self.model.cut is Blade.NONE
        self._go()

    def receive(self, data: bytes) -> None:
        """At most `room` bytes."""
        for piece, command in self._scanner.feed(data):
            for op in self._lexer.feed(piece):
                self._enqueue(op)
            if command is not None:
                self._act(command)
        self._go()

    def _enqueue(self, op: Op) -> None:
        if op.name not in REAL_TIME_OPS:  # those have acted already
            self._queue.append(op)
            self._queued += len(op.raw)

    def _act(self, command: RealTime) -> None:
        match command.act:
            case Act.STATUS:
                self._send(self.condition.answer(command.request))
            case Act.CLEAR:
                self._forget()
                self._head.clear()
                self._send(b"\x37%\x00")
            case Act.RESUME | Act.RESUME_EMPTY if self.condition.cutter_stuck:
                if command.act is Act.RESUME_EMPTY:
                    self._forget()
                self.condition.cutter_stuck = False
                self.changed()
            case Act.DRAWER:
                self._head.acts.append("drawer")
            case Act.POWER_OFF:
                self._around.power_lost()

    # --- trouble

    def changed(self) -> None:
        """Its condition may be another: tell the host if it asked, go on if it can."""
        status = self.condition.auto_status()
        if self._report_mask and status != self._reported:
            self._reported = status
            self._send(status)
        self._go()

    def power_off(self) -> None:
        """All it holds is lost, but for the paper."""
        self.powered = False
        self._head.reset()
        self._forget()
        self._scanner = Scanner()
        self.condition.cutter_stuck = False
        self._report_mask = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def tear(self) -> None:
        """A hand tears off what sticks out, and what is still under the head with it."""
        self._off("torn", self._head.roll.y)
        self._head.roll.y = HEAD_TO_BLADE

    def go_on(self) -> None:
        """After power or thaw: what waited outside is let in."""
        self._around.room()
        self._go()

    # --- the mechanism

    def _go(self) -> None:
        if self._going:  # asked again from within: the loop below sees what is new
            return
        self._going = True
        try:
            self._run()
        finally:
            self._going = False

    def _run(self) -> None:
        """Carry out effects until it must wait: for the clock, for paper, for more to do."""
        for _ in range(TURN):
            if self._timer or self._taking or not self._able():
                return
            effect = self._next_effect()
            if effect is None:
                self._hand()
                return
            delay = self._carry_out(effect)
            if delay and self.speed:
                self._wait(delay)
        if not self._timer:
            self._wait(0)

    def _able(self) -> bool:
        return self.powered and not self.frozen and self.condition.on_line

    def _wait(self, delay: float) -> None:
        self._timer = self._clock.callLater(delay, self._waited)

    def _waited(self) -> None:
        self._timer = None
        self._go()

    def _next_effect(self) -> Effect | None:
        while True:
            if self._effects is None:
                if self._queue:
                    op = self._queue.popleft()
                    self._queued -= len(op.raw)
                    self._effects = execute(op, self._head)
                self._around.room()
                if self._effects is None and not self._queue:
                    return None
                continue
            effect = next(self._effects, None)
            if effect is not None:
                return effect
            self._effects = None

    def _carry_out(self, effect: Effect) -> float:
        """Seconds it takes."""
        match effect:
            case Fed(dots, line):
                self._fed(line=line)
                return dots * 25.4 / self.model.dpi / self.speed if self.speed else 0.0
            case Cut():
                return self._cut(effect)
            case Reply(data, mark):
                self._send(data, mark=mark)
            case Report(mask):
                self._report_mask = mask
                if mask:
                    self._reported = self.condition.auto_status()
                    self._send(self._reported)
        return 0.0

    def _fed(self, *, line: bool) -> None:
        if line and self.lines_left is not None:
            self.lines_left -= 1
            if self.lines_left <= 0:
                self.lines_left = None
                self.condition.paper = Paper.OUT
                self.changed()
        if self._head.roll.y > LONGEST_PIECE:
            self._head.warnings.append("not cut for 4 m")
            self.tear()

    def _cut(self, cut: Cut) -> float:
        if self.model.cut is Blade.NONE:
            return 0.0
        if self.jammed:
            self._effects = _again(cut, self._effects)
            self.condition.cutter_stuck = True
            self.changed()
            return 0.0
        self._off(cut.kind, cut.at)
        return CUT_TIME

    def _hand(self) -> None:
        if self._hand_waits:
            self._hand_waits = False
            self.tear()

    def _off(self, kind: str, at: int) -> None:
        lines = self._head.roll.cut(at)
        if not lines:  # white paper: it falls, and nobody keeps it
            return
        head = self._head
        self.printed += 1
        slip = Slip(
            number=self.printed,
            lines=lines,
            height=at,
            width=self.model.dots,
            dpi=self.model.dpi,
            columns=self.model.columns,
            cut=kind,
            at=self._clock.seconds(),
            unknown=tuple(head.unknown),
            warnings=tuple(head.warnings),
            acts=tuple(head.acts),
        )
        head.unknown, head.warnings, head.acts = [], [], []
        self._taking += 1
        self._around.take(slip, self._taken)

    def _taken(self) -> None:
        self._taking -= 1
        self._go()

    def _forget(self) -> None:
        """Receive and print buffers are empty; half a command is forgotten."""
        self._lexer.reset()
        self._queue.clear()
        self._queued = 0
        self._effects = None

    def _low(self) -> bool:
        return self.condition.paper is not Paper.IN

    def _send(self, data: bytes, *, mark: bool = False) -> None:
        if not self.muted:
            self._around.send(data, mark=mark)


def _again(effect: Effect, rest: Iterator[Effect] | None) -> Iterator[Effect]:
    yield effect
    yield from rest or ()
