from gateway.locale import translator
from gateway.message import Priority
from gateway.render import render
from gateway.render.bounds import LINES, Paper, line, prose
from printers.layout import lay_out
from printers.slip import Row, Space
from tests.unit.render.samples import (
    banners,
    blocks,
    context,
    group,
    message,
    observation,
    order,
    patient,
    potassium,
    result,
    rows,
    text,
)

_ = translator("fr")


def numbered(count):
    return [observation(str(n), code=str(n), name=f"Analyte {n}") for n in range(count)]


def test_a_field_is_one_line():
    assert line("a\r\nb\nc\rd\u2028e") == "a·b·c·d·e"
    assert line("  a  ") == "a"


def test_a_field_too_long_shows_that_it_goes_on():
    assert line("x" * 500) == "x" * 120 + "…"


def test_a_text_too_long_says_how_much_is_missing():
    assert prose(_, "x" * 5000).endswith(
        "\n… suite : 1000 caractères non imprimés — demander au laboratoire"
    )
    assert prose(_, "a\r\nb") == "a\nb"


def test_paper_stops_taking_blocks_when_it_is_full():
    made = []

    def endless():
        while True:
            made.append(1)
            yield Space()

    paper = Paper(lines=5)
    paper.put(endless())
    assert len(paper.blocks) == 5
    assert len(made) == 6
    assert paper.cut
    assert paper.full


def test_paper_that_is_just_full_has_cut_nothing():
    paper = Paper(lines=2)
    paper.put((Space(), Space()))
    assert paper.full
    assert not paper.cut


def test_a_hundred_values_all_come_out():
    found = render(result(*numbered(100)), context())
    assert len(rows(found)) == 100
    assert "SUITE" not in text(found)


def test_five_thousand_values_end_with_how_many_are_missing():
    found = render(result(*numbered(5000)), context())
    shown = len(rows(found))
    assert 300 < shown <= LINES
    assert "SUITE — TOUT N'EST PAS IMPRIMÉ ICI" in banners(found)
    assert f"{shown} valeurs imprimées sur 5000" in text(found)
    assert "message A00040" in text(found)


def test_a_critical_value_at_the_end_of_a_long_report_stands_at_its_beginning():
    found = render(result(*numbered(5000), potassium("6.8")), context())
    assert rows(found)[0].value == "6.8"
    assert "CRITIQUE" in banners(found)


def test_thousands_of_critical_values_leave_room_to_say_that_there_are_more():
    found = render(result(*[potassium(str(n), code=str(n)) for n in range(5000)]), context())
    assert len(rows(found)) <= LINES
    assert "SUITE — TOUT N'EST PAS IMPRIMÉ ICI" in banners(found)


def test_thousands_of_comments_end_with_a_word_that_there_are_more():
    found = render(result(observation(notes=("x" * 50,) * 5000)), context())
    assert len(found.body) <= LINES
    assert "SUITE — TOUT N'EST PAS IMPRIMÉ ICI" in banners(found)


def test_thousands_of_empty_examinations_end_with_a_word_that_there_are_more():
    found = render(message(*[group(name=str(n)) for n in range(5000)]), context())
    assert len(found.body) <= LINES + 20
    assert "SUITE — TOUT N'EST PAS IMPRIMÉ ICI" in banners(found)


def test_thousands_of_orders_end_with_how_many_are_missing():
    (asked,) = order().groups
    found = render(order().__class__(**_fields(order(), groups=(asked,) * 5000)), context())
    assert len(found.body) <= LINES + 20
    assert "demandes imprimées sur 5000" in text(found)


def test_a_huge_text_is_cut_and_counted():
    found = render(result(observation("x" * 1_000_000, notes=("y" * 1_000_000,))), context())
    words = text(found)
    assert words.count("996000 caractères non imprimés") == 2
    assert len(words) < 20_000


def test_huge_fields_everywhere_fit_a_slip():
    huge = "W" * 100_000
    who = patient(family=huge, given=huge, ipp=huge, nda=huge, birth_date=huge, birth_name=huge)
    found = render(
        message(
            group(
                observation("1", name=huge, unit=huge, reference=huge, flag_text=huge),
                name=huge,
                placer=huge,
                requester=huge,
                collected_at=huge,
                specimen=huge,
                priority=Priority.URGENT,
                priority_text=huge,
            ),
            patient=who,
            control_id=huge,
            sender=huge,
        ),
        context(),
    )
    assert len(text(found)) < 5000
    assert len(lay_out(found, 48)) == 1


def test_no_block_of_a_hostile_slip_is_endless():
    found = render(result(*numbered(400), *[observation("z" * 9000)] * 300), context())
    for block in blocks(found):
        for field in ("text", "value", "name", "label"):
            assert len(getattr(block, field, "") or "") < 4200
    assert not any(len(block.value) > 60 for block in blocks(found) if isinstance(block, Row))


def _fields(message, **changed):
    return {name: getattr(message, name) for name in message.__slots__} | changed
