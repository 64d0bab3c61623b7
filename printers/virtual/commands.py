"""What each text and setting command does to the print head, and what the others lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from printers.model import Fence
from printers.virtual import charset
from printers.virtual.effect import Cut, Effect, Fed, Reply, Report
from printers.virtual.head import Head
from printers.virtual.paper import Align
from printers.virtual.setting import LINE_SPACING

Setter = Callable[[Head, bytes], None]
Action = Callable[[Head, bytes], Iterator[Effect]]


# --- settings


def _page(head: Head, args: bytes) -> None:
    if args[0] in charset.PAGES:
        head.set.codec = charset.PAGES[args[0]]
    else:
        head.refuse("ESC t", args)


def _nation(head: Head, args: bytes) -> None:
    if args[0] in charset.NATIONS:
        head.set.nation = args[0]
    else:
        head.refuse("ESC R", args)


def _print_mode(head: Head, args: bytes) -> None:
    mode = args[0]
    head.set.restyle(
        font="B" if mode & 1 else "A",
        bold=bool(mode & 0x08),
        height=2 if mode & 0x10 else 1,
        width=2 if mode & 0x20 else 1,
        underline=1 if mode & 0x80 else 0,
    )


def _size(head: Head, args: bytes) -> None:
    head.set.restyle(width=(args[0] >> 4 & 7) + 1, height=(args[0] & 7) + 1)


def _align(head: Head, args: bytes) -> None:
    aligns = {0: Align.LEFT, 1: Align.CENTRE, 2: Align.RIGHT}
    if head.composing:  # obeyed at the beginning of a line only
        head.warnings.append("ESC a in the middle of a line: ignored")
    elif args[0] % 48 in aligns:
        head.set.align = aligns[args[0] % 48]
    else:
        head.refuse("ESC a", args)


def _margin(head: Head, args: bytes) -> None:
    head.set.margin = min(_word(args), head.model.dots)
    head.set.width = min(head.set.width, head.model.dots - head.set.margin)


def _width(head: Head, args: bytes) -> None:
    head.set.width = min(_word(args), head.model.dots - head.set.margin)


def _tab(head: Head, args: bytes) -> None:
    cell = head.set.style.advance
    stop = next((tab * cell for tab in head.set.tabs if tab * cell > head.x), head.x)
    head.move_to(stop)


def _relative(head: Head, args: bytes) -> None:
    head.move_to(head.x + int.from_bytes(args, "little", signed=True))


def _ideographs(head: Head, args: bytes, *, on: bool) -> None:
    head.set.ideographs = on and head.model.cancel_kanji


def _buzzer(head: Head, args: bytes) -> None:
    if args[:1] == b"A":
        head.acts.append("buzzer")
    else:
        head.refuse("ESC (", args)


def _ignored(head: Head, args: bytes) -> None:
    """Known, and of no consequence on paper."""


SETTERS: Mapping[str, Setter] = {
    "ESC t": _page,
    "ESC R": _nation,
    "ESC !": _print_mode,
    "GS !": _size,
    "ESC E": lambda head, args: head.set.restyle(bold=bool(args[0] & 1)),
    "ESC G": lambda head, args: head.set.restyle(bold=bool(args[0] & 1)),
    "ESC -": lambda head, args: head.set.restyle(underline=args[0] % 48 % 3),
    "ESC M": lambda head, args: head.set.restyle(font="B" if args[0] & 1 else "A"),
    "ESC  ": lambda head, args: head.set.restyle(spacing=args[0]),
    "ESC {": lambda head, args: head.set.restyle(upside_down=bool(args[0] & 1)),
    "GS B": lambda head, args: head.set.restyle(inverse=bool(args[0] & 1)),
    "ESC a": _align,
    "ESC 2": lambda head, _: setattr(head.set, "spacing", LINE_SPACING),
    "ESC 3": lambda head, args: setattr(head.set, "spacing", args[0]),
    "GS L": _margin,
    "GS W": _width,
    "HT": _tab,
    "ESC D": lambda head, args: setattr(head.set, "tabs", tuple(args[:-1])),
    "ESC $": lambda head, args: head.move_to(_word(args)),
    "ESC \\": _relative,
    "FS .": lambda head, args: _ideographs(head, args, on=False),
    "FS &": lambda head, args: _ideographs(head, args, on=True),
    "ESC p": lambda head, _: head.acts.append("drawer"),
    "ESC (": _buzzer,
    **dict.fromkeys(("NUL", "CR", "ESC =", "ESC U", "ESC c", "ESC r", "GS b", "GS f"), _ignored),
}


# --- paper and answers


def _initialise(head: Head, args: bytes) -> Iterator[Effect]:
    head.reset()
    yield Report(0)  # ESC @ switches automatic status off (Epson UB-E02 guide)


def _cut(head: Head, args: bytes) -> Iterator[Effect]:
    """GS V: where the blade stands, or (65, 66…) once what is printed was fed up to it."""
    mode = args[0]
    if mode not in (0, 1, 48, 49, 65, 66, 97, 98, 103, 104):
        head.refuse("GS V", args)
        return
    yield from head.finish_line("GS V")
    if mode >= 65:
        dots = head.roll.blade + args[1]
        head.roll.y += dots
        yield Fed(dots)
    full = mode in (0, 48, 65, 97, 103)
    yield Cut("full" if full else "partial", max(0, head.roll.y - head.roll.blade))


def _old_cut(head: Head, args: bytes) -> Iterator[Effect]:
    yield from head.finish_line("ESC i")
    yield Cut("partial", max(0, head.roll.y - head.roll.blade))


def _report(head: Head, args: bytes) -> Iterator[Effect]:
    yield Report(args[0])


def _process_id(head: Head, args: bytes) -> Iterator[Effect]:
    """GS ( H pL pH 30 30 d1 d2 d3 d4, on the printers that know it."""
    if head.model.fence is Fence.PROCESS_ID and args[1:5] == b"\x06\x0000":
        yield Reply(b'\x37"' + args[5:9] + b"\x00", mark=True)
    else:
        head.refuse("GS ( H", args[1:])


def _paper_status(head: Head, args: bytes) -> Iterator[Effect]:
    """GS r 1: paper; GS r 2: drawer."""
    if head.model.fence is Fence.NONE:
        return
    wants_paper = args[:1] in (b"", b"\x01", b"1")
    yield Reply(b"\x03" if wants_paper and head.low() else b"\x00", mark=wants_paper)


def _identify(head: Head, args: bytes) -> Iterator[Effect]:
    names = {66: head.model.vendor.upper(), 67: head.model.name, 68: "VIRTUAL"}
    if args[0] < 65:
        yield Reply(b"\x02")
    else:
        yield Reply(b"_" + names.get(args[0], "1.00").encode("ascii", "replace") + b"\x00")


ACTIONS: Mapping[str, Action] = {
    "ESC @": _initialise,
    "LF": lambda head, _: head.print_line(),
    "ESC d": lambda head, args: head.print_line(args[0] * head.set.spacing),
    "ESC J": lambda head, args: head.print_line(args[0]),
    "GS V": _cut,
    "ESC i": _old_cut,
    "ESC m": _old_cut,
    "GS a": _report,
    "GS r": _paper_status,
    "ESC v": _paper_status,
    "GS ( H": _process_id,
    "GS I": _identify,
}


def _word(args: bytes) -> int:
    return int.from_bytes(args[:2], "little")
