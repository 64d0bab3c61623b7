import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers import command
from printers.model import load
from printers.virtual.effect import Cut, Fed, Reply, Report
from printers.virtual.head import Head
from printers.virtual.interpreter import execute
from printers.virtual.lexer import Lexer
from printers.virtual.paper import Align, Roll, Slip


def printed(data, *, model="TM-T20II", low=False):
    """The head after `data`, and all effects."""
    head = Head(load(model), Roll(blade=112, y=112), low=lambda: low)
    effects = [effect for op in Lexer().feed(data) for effect in execute(op, head)]
    return head, effects


def lines(data, **kwargs):
    return printed(data + b"\n", **kwargs)[0].roll.lines


def text(data, **kwargs):
    return [line.text for line in lines(data, **kwargs)]


def style(data):
    return lines(data + b"K")[0].runs[-1].style


# --- characters


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x1bt\x10H\xe9moglobine \xb5mol \x9cuf 12 \x80", "Hémoglobine µmol œuf 12 €"),
        (b"\x1bt\x00\xf2 \xf3 \xe0", "≥ ≤ α"),
        (b"\x1bt\x0e\x9a-GT \x99-hCG", "γ-GT β-hCG"),
        (b"\x1bt\x12\x88\xa3", "łú"),
        (b"\x1bt\x0d\x98", "İ"),
        (b"\x1bt\x0f\xe1\xc4", "αΔ"),
        (b"\x1bt\x13\xd5", "€"),
        (b"\x1bt\x02\xb7", "À"),
        (b"\x1bR\x01[#]\x1bR\x00[#]", "°#§[#]"),
    ],
)
def test_characters_are_read_through_their_page(data, expected):
    assert text(data) == [expected]


def test_power_on_reads_page_437():
    assert text(b"\x82") == ["é"]


def test_a_page_no_printer_has_is_recorded_and_changes_nothing():
    head, _ = printed(b"\x1bt\x10\x1bt\xf0\xe9\n")

    assert head.unknown == ["ESC t f0"]
    assert head.roll.lines[0].text == "é"


def test_a_byte_without_character_is_shown_and_recorded():
    head, _ = printed(b"\x1bt\x10a\x81b\n")

    assert head.roll.lines[0].text == "a\ufffdb"
    assert head.warnings == ["not in cp1252: 61 81 62"]


def test_a_printer_sold_in_china_reads_ideographs_until_told_not_to():
    assert text(b"\x1bt\x10\xe9\xe8\x1c.\xe9\xe8", model="generic-80mm") == ["殍éè"]
    assert text(b"\x1bt\x10\xe9\xe8") == ["éè"]


# --- type


@pytest.mark.parametrize(
    ("data", "changes"),
    [
        (b"\x1bE\x01", {"bold": True}),
        (b"\x1bE\x01\x1bE\x00", {}),
        (b"\x1bG\x01", {"bold": True}),
        (b"\x1d!\x11", {"width": 2, "height": 2}),
        (b"\x1d!\x20", {"width": 3}),
        (b"\x1d!\x77", {"width": 8, "height": 8}),
        (b"\x1b!\x38", {"bold": True, "width": 2, "height": 2}),
        (b"\x1b!\x81", {"font": "B", "underline": 1}),
        (b"\x1bE\x01\x1b!\x00", {}),  # ESC ! resets bold with the rest
        (b"\x1bM\x01", {"font": "B"}),
        (b"\x1bM1", {"font": "B"}),
        (b"\x1b-\x02", {"underline": 2}),
        (b"\x1dB\x01", {"inverse": True}),
        (b"\x1b{\x01", {"upside_down": True}),
        (b"\x1b \x04", {"spacing": 4}),
        (b"\x1bE\x01\x1dB\x01\x1d!\x11\x1b@", {}),
    ],
)
def test_type_is_set(data, changes):
    plain = style(b"")

    assert {key for key in plain.__slots__ if getattr(style(data), key) != getattr(plain, key)} == (
        changes.keys()
    )
    assert all(getattr(style(data), key) == value for key, value in changes.items())


def test_runs_change_with_type():
    (line,) = lines(b"K \x1bE\x016,9\x1bE\x00 mmol/L")

    assert [(run.text, run.style.bold, run.x) for run in line.runs] == [
        ("K ", False, 0),
        ("6,9", True, 24),
        (" mmol/L", False, 60),
    ]


def test_a_line_breaks_where_the_paper_ends():
    assert [len(line) for line in text(b"x" * 100)] == [48, 48, 4]
    assert [len(line) for line in text(b"\x1bM\x01" + b"x" * 100)] == [64, 36]
    assert [len(line) for line in text(b"\x1d!\x11" + b"x" * 30)] == [24, 6]
    assert [len(line) for line in text(b"x" * 40, model="POS-5890")] == [32, 8]


def test_a_full_line_and_its_line_feed_are_one_line():
    assert text(b"x" * 48 + b"\n" + b"y") == ["x" * 48, "y"]


def test_alignment_holds_from_the_beginning_of_a_line():
    centred, right = lines(b"\x1ba\x01K\n\x1ba\x02K")

    assert (centred.align, centred.runs[0].x) == (Align.CENTRE, 282)
    assert (right.align, right.runs[0].x) == (Align.RIGHT, 564)


def test_alignment_in_the_middle_of_a_line_is_ignored_and_recorded():
    head, _ = printed(b"K\x1ba\x01 6,9\n")

    assert head.roll.lines[0].align is Align.LEFT
    assert head.warnings == ["ESC a in the middle of a line: ignored"]


def test_margins_tabs_and_positions():
    assert lines(b"\x1dL\x18\x00K")[0].runs[0].x == 24
    assert [run.x for run in lines(b"a\tb\tc")[0].runs] == [0, 96, 192]
    assert [run.x for run in lines(b"\x1bD\x04\x0a\x00a\tb\tc")[0].runs] == [0, 48, 120]
    assert lines(b"\x1b$\x64\x00K")[0].runs[0].x == 100
    assert lines(b"KK\x1b\\\xf4\xffL")[0].runs[-1].x == 12
    assert [len(line) for line in text(b"\x1dW\x78\x00" + b"x" * 12)] == [10, 2]


def test_text_leaves_the_gap_of_a_jump():
    assert text(b"K\x1b$\x60\x006,9") == ["K       6,9"]


# --- paper


@pytest.mark.parametrize(
    ("data", "dots"),
    [
        (b"\n", 30),
        (b"K\n", 30),
        (b"\x1d!\x11K\n", 48),
        (b"\x1b3\x40K\n", 64),
        (b"\x1b3\x40\x1b2K\n", 30),
        (b"K\x1bd\x06", 180),
        (b"K\x1bJ\x05", 24),  # no less than the line is high
        (b"\x1bJ\x05", 5),
    ],
)
def test_paper_is_fed(data, dots):
    head, effects = printed(data)

    assert head.roll.y - 112 == dots
    assert sum(effect.dots for effect in effects) == dots


def test_only_printed_lines_count_as_lines():
    _, effects = printed(b"K\n\n\x1bd\x02")

    assert [effect.line for effect in effects] == [True, False, False]


@pytest.mark.parametrize(
    ("data", "kind", "fed"),
    [
        (b"\x1dV\x00", "full", 0),
        (b"\x1dV1", "partial", 0),
        (b"\x1dVA\x00", "full", 112),
        (b"\x1dVB\x00", "partial", 112),
        (b"\x1dVB\x20", "partial", 144),
        (b"\x1dVh\x00", "partial", 112),
        (b"\x1bi", "partial", 0),
    ],
)
def test_cuts_fall_where_the_blade_is(data, kind, fed):
    _, effects = printed(b"K\n" + data)

    assert effects[-1] == Cut(kind, 30 + fed)


def test_what_was_not_fed_to_the_blade_stays_for_the_next_piece():
    head, effects = printed(b"A\nB\nC\nD\nE\nF\n\x1dV\x00")

    off = head.roll.cut(effects[-1].at)

    assert [line.text for line in off] == ["A", "B"]
    assert [line.text for line in head.roll.lines] == ["C", "D", "E", "F"]
    assert head.roll.y == 112


def test_a_cut_prints_the_line_begun():
    head, _ = printed(b"K 6,9\x1dVB\x00")

    assert head.roll.lines[0].text == "K 6,9"
    assert head.warnings == ["GS V in the middle of a line"]


def test_initialising_loses_the_line_begun_and_switches_reports_off():
    head, effects = printed(b"lost\x1b@kept\n")

    assert [line.text for line in head.roll.lines] == ["kept"]
    assert effects[0] == Report(0)


# --- pictures


def test_a_raster_is_read_as_it_is():
    (line, _) = lines(command.raster(2, b"\x80\x01\xff\x00"))

    assert line.text == "[raster 16x2]"
    assert line.picture.bits == b"\x80\x01\xff\x00"


def test_a_raster_can_be_doubled():
    assert text(b"\x1dv0\x03\x01\x00\x02\x00\xff\x00")[0] == "[raster 16x4]"


def test_a_raster_that_would_act_in_real_time_is_recorded():
    head, _ = printed(b"\x1dv0\x00\x03\x00\x01\x00\x10\x04\x01")

    assert head.warnings == ["real-time command inside raster data"]


def test_a_bit_image_stands_in_its_line():
    (line,) = lines(b"K\x1b*\x21\x02\x00" + b"\x80\x00\x00" + b"\x00\x00\x01" + b"L")
    x, image = line.images[0]

    assert line.text == "K[image 2x24]L"
    assert x == 12
    assert image.bits == b"\x80" + bytes(22) + b"\x40"


def test_code_128_is_drawn_and_read():
    line = lines(command.centre(True) + command.code128("WL-K7Q", module=2))[0]

    assert line.text == "[CODE128 WL-K7Q]"
    assert line.picture.image.size == ((11 * 6 + 35) * 2, 60)
    assert line.x == (576 - 202) // 2
    assert line.picture.caption == ""


def test_a_caption_takes_room_under_its_bars():
    line = lines(b"\x1dH\x02\x1dh\x3c\x1dkI\x04{B42")[0]

    assert line.picture.caption == "42"
    assert line.height == 90


def test_a_code_wider_than_the_paper_is_not_printed_and_recorded():
    head, _ = printed(b"\x1dw\x03\x1dkI\x1a{BABCDEFGHIJKLMNOPQRSTUVWX")

    assert head.roll.lines == []
    assert head.warnings == ["CODE128 not printed: 897 dots wide on 576"]


def test_a_qr_code_is_drawn_and_read():
    line = lines(command.qr("WL:0042", module=5))[0]

    assert line.text == "[QR WL:0042]"
    assert line.picture.image.size == (21 * 5, 21 * 5)


def test_other_bar_codes_are_named():
    assert text(b"\x1dk\x044242\x00")[0] == "[CODE39 4242]"


# --- answers


def test_the_process_id_comes_back():
    _, effects = printed(command.fence("7K2Q"))

    assert effects == [Reply(b'\x37"7K2Q\x00', mark=True)]


def test_a_clone_does_not_know_the_process_id():
    head, effects = printed(command.fence("7K2Q"), model="generic-80mm")

    assert effects == []
    assert head.unknown == ["GS ( H 06 00 30 30 37 4b 32 51"]


@pytest.mark.parametrize(("low", "answer"), [(False, b"\x00"), (True, b"\x03")])
def test_the_paper_sensor_is_read_in_its_turn(low, answer):
    assert printed(command.gs_r(), low=low)[1] == [Reply(answer, mark=True)]


def test_automatic_status_is_switched():
    assert printed(command.prelude())[1] == [Report(0), Report(0x0E)]


def test_it_says_what_it_is():
    assert printed(b"\x1dI\x43")[1] == [Reply(b"_TM-T20II\x00")]
    assert printed(b"\x1dI\x42")[1] == [Reply(b"_EPSON\x00")]


def test_drawer_and_buzzer_are_noted():
    head, _ = printed(b"\x1bp\x00\x32\x32\x1b(A\x04\x00\x30\x01\x03\x02")

    assert head.acts == ["drawer", "buzzer"]


# --- what no printer knows


@pytest.mark.parametrize(
    "data", [b"\x1bB", b"\x07", b"\x1b(Z\x01\x00\x00", b"\x1dV\x05", b"\x1d(k\x03\x001Z0", b"\x1bL"]
)
def test_unknown_commands_are_recorded_and_printing_goes_on(data):
    head, _ = printed(b"before\n" + data + b"\nafter\n")

    assert len(head.unknown) == 1
    assert [line.text for line in head.roll.lines][0::2] == ["before", "after"]


@given(st.binary(max_size=300))
def test_nothing_makes_it_fail(data):
    head, effects = printed(data)

    assert all(isinstance(effect, Fed | Cut | Reply | Report) for effect in effects)
    slip = Slip(
        number=1,
        lines=tuple(head.roll.lines),
        height=head.roll.y,
        width=576,
        dpi=203,
        columns=48,
        cut="",
        at=0.0,
    )
    assert slip.record()["text"] == slip.text
