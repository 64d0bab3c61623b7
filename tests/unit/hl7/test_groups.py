import pytest

from gateway.hl7 import read
from gateway.message import Flag, Priority, Status

ORC, OBR = "ORC|NW|P1^HIS", "OBR|1|P1^HIS|F1^SIL|24323-8^Bilan^LN"


def obx(code="K", value="1", kind="NM", sub="", tail="||||||F"):
    return f"OBX|1|{kind}|{code}^{code}^L|{sub}|{value}{tail}"


def groups(raw):
    return read(raw).groups


def texts(group):
    return [(o.code, o.value) for o in group.observations]


# Who belongs to whom.


def test_observations_belong_to_the_examination_before_them(message):
    first, second = groups(message("OBR|1||F1", obx("A"), obx("B"), "OBR|2||F2", obx("C")))
    assert (first.filler, texts(first)) == ("F1", [("A", "1"), ("B", "1")])
    assert (second.filler, texts(second)) == ("F2", [("C", "1")])


def test_an_orc_belongs_to_the_obr_after_it(message):
    first, second = groups(message("ORC|NW|P1", "OBR|1", "ORC|CA|P2", "OBR|2"))
    assert (first.control, first.placer) == ("NW", "P1")
    assert (second.control, second.placer) == ("CA", "P2")


def test_in_oul_the_orc_follows_its_obr_and_the_specimen_leads(message):
    segments = (
        "SPM|1|||BLD^Sang",
        "NTE|1||hémolysé",
        "OBR|1||F1",
        "ORC|SC|P1",
        obx("A"),
        "OBR|2||F2",
        "ORC|CA|P2",
        obx("B"),
        "SPM|2|||UR^Urines",
        "OBR|3||F3",
    )
    for kind in ("OUL^R22", "OUL^R23"):
        first, second, third = groups(message(*segments, type=kind))
        assert (first.filler, first.control, first.specimen) == ("F1", "SC", "Sang")
        assert (first.notes, second.notes) == (("hémolysé",), ())
        assert (second.filler, second.control, second.specimen) == ("F2", "CA", "Sang")
        assert (third.filler, third.control, third.specimen) == ("F3", "", "Urines")


def test_in_oul_by_order_the_specimen_follows_its_obr(message):
    segments = ("OBR|1||F1", "ORC|SC|P1", "SPM|1|||BLD^Sang", obx("A"), "OBR|2||F2", obx("B"))
    first, second = groups(message(*segments, type="OUL^R24"))
    assert (first.filler, first.control, first.specimen) == ("F1", "SC", "Sang")
    assert texts(first) == [("A", "1")]
    assert (second.filler, second.control, second.specimen) == ("F2", "", "")


def test_orders_by_specimen_carry_the_specimen_before_them(message):
    segments = (
        "SPM|1|||BLD^Sang",
        "ORC|NW|P1",
        "OBR|1|||a",
        "ORC|NW|P2",
        "OBR|2|||b",
        "SPM|2|||UR^Urines",
        "ORC|NW|P3",
        "OBR|3|||c",
    )
    found = groups(message(*segments, type="OML^O33"))
    assert [(g.placer, g.specimen) for g in found] == [
        ("P1", "Sang"),
        ("P2", "Sang"),
        ("P3", "Urines"),
    ]


def test_a_note_on_a_specimen_nothing_was_asked_of_is_kept(message):
    read_message = read(message("SPM|1|||BLD", "NTE|1||tube vide", type="OUL^R22"))
    assert (read_message.groups, read_message.notes) == ((), ("tube vide",))


def test_one_orc_may_stand_for_several_obr_of_an_order(message):
    raw = ("ORC|CA|P1^HIS", "OBR|1|||a^A", "OBR|2|||b^B")
    assert [g.control for g in groups(message(*raw, type="ORM^O01"))] == ["CA", "CA"]
    assert [g.control for g in groups(message(*raw))] == ["CA", ""]


def test_an_order_may_be_an_orc_alone(message):
    first, second = groups(message("ORC|CA|P1", "ORC|CA|P2", type="ORM^O01"))
    assert [first.order_key, second.order_key] == ["P1", "P2"]


def test_observations_without_an_examination_are_not_lost(message):
    (alone,) = groups(message(obx("A")))
    assert texts(alone) == [("A", "1")]
    assert alone.status is Status.UNKNOWN
    alone, proper = groups(message(obx("A"), OBR, obx("B")))
    assert (texts(alone), texts(proper)) == ([("A", "1")], [("B", "1")])
    assert (alone.filler, proper.filler) == ("", "F1")


def test_notes_belong_to_what_they_follow(message):
    read_message = read(
        message(
            "NTE|1||sur le patient",
            "ORC|RE",
            "NTE|1||sur la demande",
            OBR,
            "NTE|1||sur l'examen",
            obx("A"),
            "NTE|1||sur A~suite",
            "NTE|2||encore A",
            obx("B"),
            "NTE|1||",
            "NTE",
            "SPM|1|||BLD^Sang",
            "NTE|1||sur le prélèvement",
        )
    )
    (group,) = read_message.groups
    assert read_message.notes == ("sur le patient",)
    assert group.notes == ("sur la demande", "sur l'examen", "sur le prélèvement")
    a, b = group.observations
    assert a.notes == ("sur A\nsuite", "encore A")
    assert b.notes == ()
    assert group.specimen == "Sang"


def test_notes_of_one_group_never_reach_the_next(message):
    first, second = groups(message(OBR, "NTE|1||un", "OBR|2", obx("A")))
    assert (first.notes, second.notes) == (("un",), ())


def test_a_comment_with_a_forgotten_delimiter_is_kept_whole(message):
    (group,) = groups(
        message(
            OBR,
            "NTE|1||1+ | 2+ | traces|fin",
            "NTE|2||x;y|w",
            "NTE|3||simple|RE^Remark|x",
            "NTE|4||simple||107^Guérin",
        )
    )
    assert group.notes == ("1+ | 2+ | traces|fin", "x;y|w", "simple", "simple")


# Germ and antibiogram.

CULTURE = "OBR|1|88001^HIS|99001^SIL|600-7^Hémoculture^LN" + "|" * 21 + "F"
GERMS = (
    obx("600-7", "112283007^Escherichia coli^SCT", "CE", "1"),
    obx("600-7", "3092008^Staphylococcus aureus^SCT", "CE", "2"),
)


def antibiogram(sub="1", status="F", filler="99001&SIL"):
    head = "OBR|2|88001^HIS|99001.1^SIL|29576-6^Antibiogramme^LN|" + "|" * 20
    return f"{head}{status}|600-7&Hémoculture&LN^{sub}|||88001&HIS^{filler}"


def test_an_antibiogram_is_tied_to_its_germ(message):
    _, first, second = groups(
        message(CULTURE, *GERMS, antibiogram("1"), obx("AMX"), antibiogram("2"), obx("AMX"))
    )
    assert (first.parent, first.parent_value) == ("600-7 Hémoculture, 1", "Escherichia coli")
    assert (first.parent_filler, first.filler) == ("99001", "99001.1")
    assert second.parent_value == "Staphylococcus aureus"


def test_a_parent_of_another_order_is_not_guessed(message):
    _, child = groups(message(CULTURE, *GERMS, antibiogram("1", filler="77777&SIL"), obx("AMX")))
    assert child.parent == "600-7 Hémoculture, 1"
    assert child.parent_value == ""


def test_a_parent_may_be_named_by_its_placer_number_only(message):
    child_obr = antibiogram("2").replace("88001&HIS^99001&SIL", "88001&HIS")
    _, child = groups(message(CULTURE, *GERMS, child_obr, obx("AMX")))
    assert (child.parent_filler, child.parent_value) == ("88001", "Staphylococcus aureus")


def test_what_the_sender_says_was_found_is_believed(message):
    child_obr = antibiogram("1").replace("LN^1", "LN^1^E. coli BLSE")
    _, child = groups(message(CULTURE, *GERMS, child_obr, obx("AMX")))
    assert child.parent_value == "E. coli BLSE"


def test_an_obr_counted_one_field_too_far_is_understood(message):
    shifted = "OBR|1|88001^HIS|99001^SIL|600-7^H^LN" + "|" * 19 + "20260418||MB|C"
    first, child = groups(
        message(shifted, *GERMS, antibiogram("1", status="MB|F"), obx("AMX", tail=""))
    )
    assert (first.section, first.status, first.status_code) == ("MB", Status.CORRECTED, "C")
    assert first.reported_at == "20260418"
    assert (child.section, child.status) == ("MB", Status.FINAL)
    assert child.parent_value == "Escherichia coli"
    assert child.observations[0].status is Status.FINAL


# What an order says.


def test_an_order_is_read_whole(message):
    orc = "ORC|nw|P1^HIS||||||^^^20260706080000^^S|||||107^Guérin^Édouard^^^Dr||^^^^^^0381"
    obr = "OBR|1|||24323-8^Bilan^LN|||||||||||BLD&Sang total&HL70070"
    (group,) = groups(message(orc.replace("||||||^", "|||||^"), obr, type="OML^O21"))
    assert group.control == "NW"
    assert group.placer == "P1"
    assert (group.priority, group.priority_text) == (Priority.URGENT, "S")
    assert group.wanted_at == "20260706080000"
    assert group.requester == "Dr Guérin Édouard"
    assert group.requester_phone == "0381"
    assert group.specimen == "Sang total"


@pytest.mark.parametrize(
    ("segments", "priority", "written"),
    [
        (["OBR|1|||x^y|S"], Priority.URGENT, "S"),
        (["OBR|1|||x^y|stat"], Priority.URGENT, "stat"),
        (["OBR|1|||x^y|A"], Priority.URGENT, "A"),
        (["OBR|1|||x^y|TM30"], Priority.URGENT, "TM30"),
        (["OBR|1|||x^y|R"], Priority.ROUTINE, "R"),
        (["OBR|1|||x^y|?"], Priority.ROUTINE, "?"),
        (["OBR|1|||x^y"], Priority.ROUTINE, ""),
        (["ORC|NW|||||" + "|^^^^^S", "OBR|1|||x^y|R"], Priority.URGENT, "S"),
        (["OBR|1|||x^y" + "|" * 23 + "^^^^^S"], Priority.URGENT, "S"),
        (["OBR|1|||x^y" + "|" * 25 + "^^^^^S"], Priority.URGENT, "S"),
        (["ORC|NW", "TQ1|1||||||||S^Stat^HL70485", "OBR|1"], Priority.URGENT, "S"),
        (["ORC|NW", "TQ1|1||||||||R", "OBR|1|||x|A"], Priority.URGENT, "A"),
    ],
)
def test_priority_from_wherever_a_version_keeps_it(message, segments, priority, written):
    (group,) = groups(message(*segments, type="ORM^O01"))
    assert (group.priority, group.priority_text) == (priority, written)


def test_when_it_is_wanted(message):
    for segments in (
        ["ORC|NW|||||" + "|^^^20260706", "OBR|1"],
        ["ORC|NW", "OBR|1|||||20260706"],
        ["ORC|NW", "OBR|1" + "|" * 26 + "^^^20260706"],
        ["ORC|NW", "TQ1|1||||||20260706", "OBR|1"],
    ):
        (group,) = groups(message(*segments, type="ORM^O01"))
        assert group.wanted_at == "20260706"


def test_when_and_what_was_taken_from_the_specimen(message):
    (group,) = groups(message("OBR|1", obx(), "SPM|1|||UR^Urines" + "|" * 13 + "20260706^20260707"))
    assert (group.specimen, group.collected_at) == ("Urines", "20260706")


def test_names_and_codes_fall_back_on_their_alternates(message):
    (group,) = groups(message("OBR|1|||^^^L1^Bilan local^L", "OBX|1|NM|2823-3^^LN^K^Kaliémie||1"))
    assert (group.code, group.name) == ("L1", "Bilan local")
    assert (group.observations[0].code, group.observations[0].name) == ("2823-3", "Kaliémie")
    (group,) = groups(message("OBR|1|||24323-8", "OBX|1|NM|2823-3||1"))
    assert (group.name, group.observations[0].name) == ("24323-8", "2823-3")


# How firm.


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("F", Status.FINAL),
        ("U", Status.FINAL),
        ("P", Status.PRELIMINARY),
        ("R", Status.PRELIMINARY),
        ("S", Status.PRELIMINARY),
        ("I", Status.PENDING),
        ("O", Status.PENDING),
        ("C", Status.CORRECTED),
        ("D", Status.WITHDRAWN),
        ("W", Status.WITHDRAWN),
        ("X", Status.CANCELLED),
        ("f", Status.FINAL),
        ("QQ", Status.UNKNOWN),
    ],
)
def test_the_status_of_an_observation(message, code, status):
    (group,) = groups(message(OBR + "|" * 21 + "P", obx(tail=f"||||||{code}")))
    (observation,) = group.observations
    assert (observation.status, observation.status_code) == (status, code)
    assert group.status is Status.PRELIMINARY


def test_an_observation_without_status_takes_its_examination_s(message):
    for tail in ("", "||||||", '||||||""'):
        (group,) = groups(message(OBR + "|" * 21 + "C", obx(tail=tail)))
        assert group.observations[0].status is Status.CORRECTED
        assert group.observations[0].status_code == ""


def test_status_never_leaks_into_the_next_examination(message):
    for head in ("OBR|2", "ORC|RE|P2"):
        _, second = groups(message(OBR + "|" * 21 + "C", obx(), head, obx(tail="")))
        assert second.observations[0].status is Status.UNKNOWN


# How abnormal.


@pytest.mark.parametrize(
    ("sent", "flag", "text"),
    [
        ("", Flag.NONE, ""),
        ("N", Flag.NONE, "N"),
        ("L", Flag.LOW, "L"),
        (">", Flag.HIGH, ">"),
        ("A~HH", Flag.CRITICAL_HIGH, "A HH"),
        ("AA~H", Flag.CRITICAL, "AA H"),
        ("S~R", Flag.RESISTANT, "S R"),
        ("h", Flag.HIGH, "h"),
        ("H^Haut^HL70078", Flag.HIGH, "H"),
        ("MAJEUR", Flag.NONE, "MAJEUR"),
        ("MAJEUR~L", Flag.LOW, "MAJEUR L"),
        ('""', Flag.NONE, ""),
    ],
)
def test_the_flag_that_matters_most_and_all_as_text(message, sent, flag, text):
    (group,) = groups(message(OBR, obx(tail=f"|||{sent}|||F")))
    assert (group.observations[0].flag, group.observations[0].flag_text) == (flag, text)


# One text over several OBX.


def test_lines_of_one_text_are_joined(message):
    (group,) = groups(
        message(OBR, *(obx("CR", line, "TX") for line in ("un", "deux~trois", "")), obx("K"))
    )
    assert texts(group) == [("CR", "un\ndeux\ntrois\n"), ("K", "1")]


def test_repetitions_of_a_value_stand_one_below_the_other(message):
    (group,) = groups(message(OBR, obx("CR", "un~deux", "TX"), obx("K", "1~2")))
    assert texts(group) == [("CR", "un\ndeux"), ("K", "1\n2")]


def test_each_joined_line_is_un_escaped(message):
    (group,) = groups(message(OBR, obx("CR", "a", "FT"), obx("CR", r"b \T\ c", "FT")))
    assert texts(group) == [("CR", "a\nb & c")]


@pytest.mark.parametrize(
    "second",
    [
        obx("K", "7", "TX"),  # another analyte
        obx("CR", "7", "TX", sub="2"),  # another germ, another specimen
        obx("CR", "7", "TX", tail="||||||C"),  # another status
        obx("CR", "7", "TX", tail="|||H|||F"),  # a flag of its own
        obx("CR", "7", "TX", tail="|mg||||F"),  # a unit of its own
        obx("CR", "7", "TX", tail="||||||F|||20260706"),  # another moment
        obx("CR", "7", "FT"),  # another type
    ],
)
def test_what_differs_is_not_joined(message, second):
    (group,) = groups(message(OBR, obx("CR", "un", "TX"), second))
    assert len(group.observations) == 2


def test_values_are_never_joined_nor_texts_with_a_note_between(message):
    (group,) = groups(message(OBR, obx("K", "6.9"), obx("K", "3.9")))
    assert texts(group) == [("K", "6.9"), ("K", "3.9")]
    (group,) = groups(message(OBR, obx("C", "a", "TX"), "NTE|1||n", obx("C", "b", "TX")))
    assert texts(group) == [("C", "a"), ("C", "b")]
    (group,) = groups(message(OBR, "OBX|1|TX|||a", "OBX|2|TX|||b"))
    assert len(group.observations) == 2


def test_units_references_and_moments(message):
    (group,) = groups(
        message(OBR, "OBX|1|NM|K^K||4|mmol/L^mmol par litre^UCUM|3.5~5.1|||||||2026^S")
    )
    (observation,) = group.observations
    assert (observation.unit, observation.reference) == ("mmol/L", "3.5\n5.1")
    assert observation.observed_at == "2026"
