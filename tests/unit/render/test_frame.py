import pytest

from gateway.render import Gap, Known, Outlet, render
from printers.slip import Banner, Code, Heading
from tests.unit.render.samples import at, banners, blocks, context, potassium, result, text

NORMAL = result()


def slip(**circumstances):
    return render(NORMAL, context(**circumstances))


def said(**circumstances):
    return text(slip(**circumstances))


def test_it_bears_site_ward_and_number():
    words = said()
    assert "Hôpital Exemple (HEX)" in words
    assert "Cardiologie" in words
    assert "n° 0042" in words


def test_a_number_past_9999_keeps_all_its_figures():
    assert "n° 12345" in said(number=12345)


def test_paper_without_a_number_claims_none():
    assert "n° " not in said(number=None)


def test_it_says_when_it_was_received_and_printed():
    words = said()
    assert "Reçu le 03/08/2026 11:20" in words
    assert "Imprimé le 03/08/2026 11:21" in words


def test_english_dates_cannot_be_misread():
    words = said(language="en")
    assert "Received 03-Aug-2026 11:20" in words


def test_times_are_those_of_the_site():
    assert "03/08/2026 05:20" in said(timezone="America/New_York")


@pytest.mark.parametrize(
    ("circumstances", "french", "english"),
    [
        ({"degraded": True}, "MODE DÉGRADÉ", "DOWNTIME"),
        ({"doubtful": True}, "DUPLICATA POSSIBLE", "POSSIBLE DUPLICATE"),
        ({"prints": 2}, "DUPLICATA — impression n°2", "DUPLICATE — print no.2"),
        ({"doubtful": True, "prints": 3}, "DUPLICATA POSSIBLE — impression n°3", "print no.3"),
        ({"drill": True}, "EXERCICE", "DRILL"),
        ({"outlet": Outlet.COURIER}, "COURSIER", "COURIER"),
    ],
)
def test_each_circumstance_has_its_banner(circumstances, french, english):
    assert any(french in word for word in banners(slip(**circumstances)))
    assert any(english in word for word in banners(slip(language="en", **circumstances)))
    assert not any(french in word for word in banners(slip()))


def test_a_certain_duplicate_is_not_called_a_possible_one():
    assert not any("POSSIBLE" in word for word in banners(slip(prints=2)))


def test_an_outage_of_today_is_dated_by_its_hour():
    assert "MODE DÉGRADÉ depuis 11:07" in said(degraded=True, outage_since=at("03/08/2026 11:07"))


def test_an_outage_of_yesterday_is_dated_by_its_day():
    assert "MODE DÉGRADÉ depuis 02/08 23:50" in said(
        degraded=True, outage_since=at("02/08/2026 23:50")
    )


def test_without_downtime_an_outage_elsewhere_is_not_mentioned():
    assert "MODE DÉGRADÉ" not in said(outage_since=at("03/08/2026 11:07"))


def test_at_a_neighbour_it_says_where_to_carry_it_and_why():
    words = said(
        outlet=Outlet.NEIGHBOUR, outlet_name="Neurologie", reason="media-empty, cover-open"
    )
    assert "À PORTER : Cardiologie" in words
    assert "Imprimé ici (Neurologie) car Cardiologie : plus de papier, capot ouvert" in words


@pytest.mark.parametrize(
    ("reason", "french"),
    [
        ("media-empty", "plus de papier"),
        ("media-empty-error", "plus de papier"),
        ("timed-out", "imprimante sans réponse"),
        ("cover-open, cover-open", "capot ouvert"),
        ("media-empty cover-open-error", "plus de papier, capot ouvert"),
        ("media-empty unheard-of", "media-empty unheard-of"),
        ("flux compensator", "flux compensator"),
        ("", "son imprimante n'a pas répondu"),
    ],
)
def test_reasons_are_said_in_words(reason, french):
    words = said(outlet=Outlet.NEIGHBOUR, reason=reason)
    assert f"car Cardiologie : {french}\n" in words


def test_acknowledging_asks_for_a_signature_a_call_and_the_code():
    words = said(phone="4242", code="040216", code_caption="0402-16")
    assert "signer, appeler le laboratoire au 4242, donner le code 0402-16" in words
    assert "Sans téléphone" in words


def test_acknowledging_without_a_telephone_asks_for_none():
    words = said(code="040216", code_caption="0402-16")
    assert "signer et donner au laboratoire le code 0402-16" in words
    assert "appeler" not in words


def test_where_a_line_answers_by_itself_it_is_the_way_to_acknowledge():
    words = said(line="4300", phone="4242", code="040216", code_caption="0402-16")
    assert "signer, composer le 4300, touche 2, le code 0402-16" in " ".join(words.split())
    assert "appeler le laboratoire au" not in words


def test_the_site_may_say_itself_how_to_acknowledge():
    words = said(acknowledge="Bip 1234, dire « reçu ».", phone="4242")
    assert "Bip 1234, dire « reçu »." in words
    assert "Accuser réception" not in words


def test_the_code_is_printed_for_eye_and_scanner():
    codes = [b for b in blocks(slip(code="040216", code_caption="0402-16")) if isinstance(b, Code)]
    assert codes == [Code(data="040216", caption="0402-16")]


def test_a_copy_says_that_it_is_one():
    assert "DUPLICATA" in said(copy=True)
    assert "DUPLICATA" not in said()


def test_there_is_a_place_to_sign():
    assert "Lu par ..." in said()


def test_the_lab_finds_the_message_by_its_id_and_sender():
    assert "Message A00040 de SIL / LABO" in said()


def test_a_number_that_came_out_elsewhere_is_explained():
    gaps = (
        Gap(number=40, known=Known.UNCONFIRMED),
        Gap(number=41, known=Known.ELSEWHERE, place="Neurologie"),
    )
    words = said(gaps=gaps)
    assert "n° 0041 : sorti à Neurologie" in words
    assert "n° 0040 : impression non confirmée — demander au laboratoire" in words


def test_a_run_of_numbers_of_one_fate_takes_one_line():
    gaps = [Gap(number=n, known=Known.SUPERSEDED) for n in (31, 32, 33, 35)]
    words = said(gaps=tuple(gaps))
    assert "n° 0031 à 0033 : remplacé par une fiche plus récente" in words
    assert "n° 0035 : remplacé" in words


def test_a_night_of_gaps_does_not_fill_the_paper():
    fates = (Known.PENDING, Known.UNCONFIRMED)
    gaps = tuple(Gap(number=n, known=fates[n % 2]) for n in range(1, 400))
    words = said(gaps=gaps)
    assert "n° 0399" in words
    assert "n° 0100" not in words
    assert "… et d'autres avant" in words


def test_a_source_that_nothing_proves_is_named_as_such():
    assert "SOURCE NON AUTHENTIFIÉE" in said(unauthenticated=True)
    assert "AUTHENTIFIÉE" not in said()


def test_a_reused_id_with_other_content_is_flagged():
    assert "même identifiant" in said(reused=True)
    assert "même identifiant" not in said()


def test_a_drill_says_so_on_its_first_and_last_line():
    drill = slip(drill=True)
    assert drill.header[0] == Banner(text="EXERCICE", size=2)
    assert blocks(drill)[-1] == Banner(text="EXERCICE", size=2)


def test_a_test_message_never_looks_real():
    test = render(result(potassium(), test=True), context())
    first, second = test.header[:2]
    assert (first.text, second.text) == ("EXERCICE", "MESSAGE DE TEST — PAS UN RÉSULTAT")
    assert test.footer[-1] == first
    assert test.footer[-2] == second
    assert "TEST" in next(b for b in test.body if hasattr(b, "mark")).status
    assert "prévenir le médecin" not in text(test)


def test_a_drill_at_the_lab_ends_with_drill_below_the_receipt():
    carried = slip(drill=True, outlet=Outlet.COURIER)
    assert blocks(carried)[-1] == Banner(text="EXERCICE", size=2)


def test_the_ward_stands_in_large_type():
    assert Heading(text="Cardiologie") in slip().header
