import pytest

from gateway.errors import Rejected
from gateway.hl7.charset import codec_of, decode

FRENCH = "Hélène Lecœur, 5 µg/L à 37 °C ≥ 3"
LATIN_1 = "Hélène Lefèvre, 5 µg/L à 37 °C"


def test_what_was_declared_and_sent_is_believed():
    for declared, codec in (("UNICODE UTF-8", "utf-8"), ("8859/1", "iso8859-1")):
        decoded = decode(LATIN_1.encode(codec), declared)
        assert (decoded.text, decoded.codec, decoded.doubtful) == (LATIN_1, codec, False)


def test_latin_9_keeps_its_oe():
    decoded = decode("Lecœur".encode("iso8859-15"), "8859/15")
    assert (decoded.text, decoded.codec, decoded.doubtful) == ("Lecœur", "iso8859-15", False)


def test_plain_ascii_is_never_doubted_and_keeps_the_declared_codec():
    for declared, codec in (
        ("ASCII", "ascii"),
        ("8859/1", "iso8859-1"),
        ("", "utf-8"),
        ("?", "utf-8"),
    ):
        decoded = decode(b"MSH|^~\\&|", declared)
        assert (decoded.text, decoded.codec, decoded.doubtful) == ("MSH|^~\\&|", codec, False)


@pytest.mark.parametrize("declared", ["ASCII", "8859/1", "8859/15", "windows-1252", "UTF-16", "??"])
def test_valid_utf_8_under_another_name_is_read_as_utf_8_and_doubted(declared):
    decoded = decode(FRENCH.encode(), declared)
    assert (decoded.text, decoded.codec, decoded.doubtful) == (FRENCH, "utf-8", True)


@pytest.mark.parametrize("declared", ["UNICODE UTF-8", "UTF-8", "utf-8", "UNICODE"])
def test_the_many_names_of_utf_8_are_one(declared):
    assert decode(FRENCH.encode(), declared).doubtful is False


@pytest.mark.parametrize("declared", ["UNICODE UTF-8", "ASCII"])
def test_latin_1_under_another_name_is_read_and_doubted(declared):
    decoded = decode(LATIN_1.encode("latin-1"), declared)
    assert (decoded.text, decoded.codec, decoded.doubtful) == (LATIN_1, "cp1252", True)


@pytest.mark.parametrize("declared", ["8859/1", "8859/15"])
def test_c1_bytes_under_iso_8859_are_windows_1252_and_doubted(declared):
    text = "Lecœur – 12 €"
    decoded = decode(text.encode("cp1252"), declared)
    assert (decoded.text, decoded.codec, decoded.doubtful) == (text, "cp1252", True)


def test_none_declared_is_the_site_default_then_windows_1252():
    assert decode(FRENCH.encode()).doubtful is False
    decoded = decode(LATIN_1.encode("latin-1"))
    assert (decoded.text, decoded.doubtful) == (LATIN_1, True)
    decoded = decode(LATIN_1.encode("latin-1"), default="iso8859-1")
    assert (decoded.text, decoded.doubtful) == (LATIN_1, False)


def test_utf_8_at_a_latin_site_is_read_and_doubted():
    decoded = decode(FRENCH.encode(), default="cp1252")
    assert (decoded.text, decoded.doubtful) == (FRENCH, True)


def test_a_byte_order_mark_is_taken_off():
    decoded = decode(b"\xef\xbb\xbf" + FRENCH.encode(), "UNICODE UTF-8")
    assert (decoded.text, decoded.doubtful) == (FRENCH, False)


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_utf_16_and_utf_32_are_refused_at_msh_18(codec):
    with pytest.raises(Rejected) as refused:
        decode("MSH|^~\\&|SIL".encode(codec))
    assert (refused.value.code, refused.value.location) == (103, "MSH-18")


def test_two_systems_in_one_message_are_both_read():
    raw = "Hélène".encode() + b" | contr\xf4l\xe9 \xe0 37 \xb0C"
    decoded = decode(raw, "UNICODE UTF-8")
    assert (decoded.text, decoded.doubtful) == ("Hélène | contrôlé à 37 °C", True)


def test_a_letter_cut_in_two_and_a_surrogate_are_lost_visibly():
    for broken in (b"H\xc3", b"\xed\xa0\xbd", b"\xc3^", b"a\xe9\xe8b"):
        decoded = decode("Aïcha".encode() + b" " + broken, "UNICODE UTF-8")
        assert decoded.text.startswith("Aïcha ")
        assert "\ufffd" in decoded.text
        assert decoded.doubtful


def test_a_replacement_character_in_valid_utf_8_is_doubted():
    assert decode("L\ufffdo".encode(), "UNICODE UTF-8").doubtful


def test_bytes_windows_1252_has_no_letter_for_are_lost_visibly():
    decoded = decode(b"a\x81\x9c", "8859/1")
    assert (decoded.text, decoded.doubtful) == ("a\ufffdœ", True)


def test_chinese_and_korean_are_taken_at_their_word():
    decoded = decode("李雷".encode("gb18030"), "GB 18030-2000")
    assert (decoded.text, decoded.codec, decoded.doubtful) == ("李雷", "gb18030", False)
    assert decode(b"\xff\xff\xff", "GB 18030-2000").doubtful


@pytest.mark.parametrize(
    "name", ["hex", "zip", "punycode", "unicode_escape", "utf-7", "cp037", "idna"]
)
def test_python_codecs_that_are_no_character_set_are_unknown(name):
    assert codec_of(name) is None


def test_iso_names_python_knows_are_taken():
    assert codec_of("ISO-8859-1") == "iso8859-1"
    assert codec_of("windows-1252") == "cp1252"
    assert codec_of(" 8859/1 ") == "iso8859-1"
