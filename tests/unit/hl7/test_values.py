import pytest

from gateway.hl7.delimiters import STANDARD
from gateway.hl7.syntax import Syntax
from gateway.hl7.values import coded, phone, provider, value_of


@pytest.mark.parametrize(
    ("kind", "raw", "read"),
    [
        # as it was sent, whatever it claims to be
        ("NM", "6.80", "6.80"),
        ("NM", ">1000 (voir note)", ">1000 (voir note)"),
        ("NM", "6^80", "6^80"),
        ("ST", " 1:128 ", " 1:128 "),
        ("", "6,9", "6,9"),
        ("SI", "1", "1"),
        ("DT", "20260705", "20260705"),
        ("TX", "un~deux", "un\ndeux"),
        ("FT", r"un\.br\deux", "un\ndeux"),
        ("ST", '""', ""),
        ("NM", "", ""),
        ("TX", r"a \T\ b & c", "a & b & c"),
        # structured numerics (2.A.71)
        ("SN", ">=^32", ">= 32"),
        ("SN", "<^0.5", "< 0.5"),
        ("SN", "^1^:^128", "1:128"),
        ("SN", "=^1^:^128", "= 1:128"),
        ("SN", "^0^-^1", "0-1"),
        ("SN", "^2^+", "2+"),
        ("SN", "^100", "100"),
        ("SN", ">=32", ">=32"),
        ("SN", ">=", ">="),
        ("SN", "a^b^c^d^e", "a^b^c^d^e"),
        ("SN", ">=^32~>=^64", ">= 32\n>= 64"),
        # coded
        ("CE", "112283007^Escherichia coli^SCT", "Escherichia coli"),
        ("CWE", "112283007^^SCT", "112283007"),
        ("CWE", "A^^L^B^autre^LN", "autre"),
        ("CWE", "^^^^^^^^texte libre", "texte libre"),
        ("CE", "Négatif", "Négatif"),
        ("CE", "x^mère & enfant", "mère & enfant"),
        ("CE", "1^un~2^deux", "un\ndeux"),
        ("CE", '""', ""),
        # others
        ("TS", "20260705164637+0200^S", "20260705164637+0200"),
        ("DTM", "202607051646", "202607051646"),
        ("DR", "20260701^20260705", "20260701 - 20260705"),
        ("NR", "1^5", "1 - 5"),
        ("RP", "http://x/?a=1&b=2^^image^PICT", "http://x/?a=1&b=2"),
        ("CX", "4711^^^CHU^PI", "4711"),
        ("XCN", "107^Guérin^Édouard^^^Dr", "Dr Guérin Édouard"),
        ("XPN", "Guérin^Édouard^^^Dr", "Dr Guérin Édouard"),
        ("XTN", "^PRN^PH^^33^3^81547155", "33 3 81547155"),
        ("XAD", "81 rue de l'Église^^Besançon^^25000", "81 rue de l'Église Besançon 25000"),
        ("ZZ", "a^b&c", "a b c"),
    ],
)
def test_a_value_reads_as_a_person_would_say_it(kind, raw, read):
    assert value_of(kind, raw, Syntax(STANDARD)) == read


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("107524000563^Guérin^Édouard^^^Dr^^^ASIP-SANTE-PS&1.2&ISO", "Dr Guérin Édouard"),
        ("107524000563^Guérin", "Guérin"),
        ("107524000563", "107524000563"),
        ("^Guérin^Édouard", "Guérin Édouard"),
        ("Guérin^Édouard", "Guérin Édouard"),
        ("GUERIN", "GUERIN"),
        ("", ""),
    ],
)
def test_a_physician_by_name_else_by_number(raw, read):
    assert provider(raw, Syntax(STANDARD)) == read


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("0381547155", "0381547155"),
        ("^PRN^PH^^^^^^^^^0381547155", "0381547155"),
        ("^WPN^PH^^33^381^547155", "33 381 547155"),
        ("", ""),
    ],
)
def test_a_phone_number_from_wherever_its_version_keeps_it(raw, read):
    assert phone(raw, Syntax(STANDARD)) == read


def test_a_code_without_text_is_shown_as_the_code():
    assert coded("^^L^B", Syntax(STANDARD)) == "B"
