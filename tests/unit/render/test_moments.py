from zoneinfo import ZoneInfo

import pytest

from gateway.locale import translator
from gateway.render import moments

PARIS = "Europe/Paris"
FRENCH, ENGLISH = translator("fr"), translator("en")


@pytest.mark.parametrize(
    ("sent", "french", "english"),
    [
        ("20260803112059", "03/08/2026 11:20", "03-Aug-2026 11:20"),
        ("20260803112059.123", "03/08/2026 11:20", "03-Aug-2026 11:20"),
        ("202608031120", "03/08/2026 11:20", "03-Aug-2026 11:20"),
        ("2026080311", "03/08/2026 11 h", "03-Aug-2026 11 h"),
        ("20260803", "03/08/2026", "03-Aug-2026"),
        ("202608", "08/2026", "Aug-2026"),
        ("2026", "2026", "2026"),
        (" 20260803 ", "03/08/2026", "03-Aug-2026"),
        ("20260803112059+0000", "03/08/2026 13:20", "03-Aug-2026 13:20"),
        ("20260203112059-0500", "03/02/2026 17:20", "03-Feb-2026 17:20"),
        ("20260803+0000", "03/08/2026", "03-Aug-2026"),
        ("20260231", "20260231 (pas une date)", "20260231 (not a date)"),
        ("20260803250000", "20260803250000 (pas une date)", "20260803250000 (not a date)"),
        ("00000000", "00000000 (pas une date)", "00000000 (not a date)"),
        ("20260803112059+9999", "20260803112059+9999 (pas une date)", "20260803112059+9999 (not a"),
        ("٢٠٢٦", "٢٠٢٦ (pas une date)", "٢٠٢٦ (not a date)"),
        ("", "", ""),
        ("  ", "", ""),
    ],
)
def test_a_moment_is_shown_as_far_as_it_was_sent_or_as_it_came(sent, french, english):
    assert moments.sent(FRENCH, sent, PARIS) == french
    assert moments.sent(ENGLISH, sent, PARIS).startswith(english)


def test_the_ends_of_time_do_not_break_it():
    for text in ("99991231235959-1200", "00010101000000+1400"):
        assert moments.sent(FRENCH, text, PARIS) == f"{text} (pas une date)"


def test_a_moment_without_offset_is_the_site_s_wall():
    assert moments.read("202608031120", ZoneInfo(PARIS)).at.hour == 11
