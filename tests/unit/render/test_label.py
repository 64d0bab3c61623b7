"""Specimen labels: one for each tube, with who it is for."""

from gateway.message import Kind
from gateway.render import label
from printers import zpl
from printers.slip import Code
from tests.unit.render.samples import banners, context, message, order, pairs, text


def tubes(*changes):
    groups = [order(**each).groups[0] for each in changes]
    return message(*groups, kind=Kind.ORDER)


def test_a_label_names_patient_birth_number_and_tube():
    slip = label(tubes({"specimen": "Sang EDTA"}), context(number=42))
    (found,) = zpl.labels(slip)
    assert found.name
    assert found.code == "7360739"
    assert any("14/02/1961" in each for each in found.lines)
    assert "IPP 69102274" in found.lines
    assert any(each.startswith("Sang EDTA") and "0042" in each for each in found.lines)


def test_examinations_of_one_tube_share_its_label():
    same, other = {"placer": "1", "specimen": "Sang"}, {"placer": "2", "specimen": "Sang"}
    assert len(zpl.labels(label(tubes(same, same, other), context()))) == 2


def test_no_order_makes_labels_without_end():
    many = label(tubes(*({"placer": str(n)} for n in range(100))), context())
    assert len(zpl.labels(many)) == 21
    assert "80" in text(many)


def test_a_number_that_bars_cannot_say_is_written():
    slip = label(tubes({"placer": "n°7/é"}), context(language="en"))
    assert not [block for block in slip.body if isinstance(block, Code)]
    assert pairs(slip)["Order"] == "n°7/é"


def test_it_says_what_must_be_seen_first():
    said = banners(label(tubes({}), context(doubtful=True, degraded=True, prints=2, drill=True)))
    assert said[0] == "EXERCICE"
    assert "DUPLICATA POSSIBLE" in said[1]
    assert said[-2].startswith("MODE DÉGRADÉ")


def test_a_tube_of_nobody_says_so():
    nobody = message(*order().groups, kind=Kind.ORDER, patient=None)
    assert any("IDENTITÉ" in each for each in zpl.labels(label(nobody, context()))[0].banners)
