import pytest

from gateway.errors import Rejected
from gateway.hl7.delimiters import ABSENT, STANDARD, Delimiters, delimiters_of


def test_the_usual_ones():
    assert delimiters_of("MSH|^~\\&|SIL") == STANDARD
    assert delimiters_of("MSH|^~\\&#|SIL") == STANDARD  # v2.7 adds the truncation character


def test_a_message_cut_off_after_them():
    assert delimiters_of("MSH|^~\\&") == STANDARD


def test_any_marks_a_sender_chooses():
    wanted = Delimiters(field="#", component="*", repetition="@", escape="!", subcomponent="%")
    assert delimiters_of("MSH#*@!%#SIL") == wanted
    wanted = Delimiters(
        field="\x01", component="\x02", repetition="\x03", escape="\x04", subcomponent="\x05"
    )
    assert delimiters_of("MSH\x01\x02\x03\x04\x05\x01SIL") == wanted


def test_those_a_sender_does_without_never_occur():
    found = delimiters_of("MSH|^~|SIL")
    assert (found.component, found.repetition) == ("^", "~")
    assert found.escape == found.subcomponent == ABSENT


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("MSH", "MSH-1"),
        ("MSHAbcdeASIL", "MSH-1"),
        ("MSH\r^~\\&\rSIL", "MSH-1"),
        ("MSH ^~\\& SIL", "MSH-1"),
        ("MSH\x0b^~\\&\x0b", "MSH-1"),
        ("MSHé^~\\&é", "MSH-1"),
        ("MSH||||ORU", "MSH-2"),
        ("MSH|^^\\&|", "MSH-2"),
        ("MSH|^~\\\\&|", "MSH-2"),
        ("MSH|^~a&|", "MSH-2"),
        ("MSH|^~ &|", "MSH-2"),
        ("MSH|^~\r&|", "MSH-2"),
        ("MSH|^~\\&#$|", "MSH-2"),
    ],
)
def test_marks_that_part_nothing_safely_are_refused(text, location):
    with pytest.raises(Rejected) as refused:
        delimiters_of(text)
    assert (refused.value.code, refused.value.location) == (102, location)
