import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hl7 import batch, read, split

ONE = b"MSH|^~\\&|SIL|LABO|||1||ADT^A01|A1|P|2.5\rPID|1||1\r"
TWO = b"MSH|^~\\&|SIL|LABO|||1||ADT^A01|A2|P|2.5\rPID|1||2\r"
HEAD = b"FHS|^~\\&|SIL\rBHS|^~\\&|SIL\r"


def fault(raw):
    found = split(raw).fault
    return found and (found.code, found.location)


@pytest.mark.parametrize(
    "raw", [ONE, b"", b"junk", b"PID|1\r" + ONE, b"\xef\xbb\xbf" + ONE, b"\r\n"]
)
def test_a_single_piece_comes_back_as_it_is(raw):
    batch = split(raw)
    assert batch.messages == (raw,)
    assert batch.fault is None
    assert not batch.enveloped


def test_two_messages_in_one_frame_are_both_kept():
    for blank in (b"", b"\r\n", b"\n  "):
        batch = split(ONE + blank + TWO)
        assert [read(m).control_id for m in batch.messages] == ["A1", "A2"]
        assert not batch.enveloped
        assert batch.fault is None


def test_what_precedes_the_first_message_is_kept_apart():
    assert split(b"PID|1\r" + ONE + TWO).messages == (b"PID|1\r", ONE, TWO)


def test_a_batch_is_taken_apart_and_its_counts_agree():
    batch = split(HEAD + ONE + TWO + b"BTS|2\rFTS|1\r")
    assert batch.messages == (ONE, TWO)
    assert batch.enveloped
    assert batch.fault is None


def test_several_batches_in_a_file_are_counted_each():
    bhs = b"BHS|^~\\&\r"
    raw = b"FHS|^~\\&\r" + bhs + ONE + b"BTS|1\r" + bhs + TWO + ONE + b"BTS|2|fin\rFTS|2\r"
    assert split(raw).messages == (ONE, TWO, ONE)
    assert fault(raw) is None
    assert fault(raw.replace(b"FTS|2", b"FTS|3")) == (102, "FTS-1")
    assert fault(raw.replace(b"BTS|2", b"BTS|3")) == (102, "BTS-1")


def test_a_count_that_lies_is_told_and_nothing_is_lost():
    raw = HEAD + ONE + TWO + b"BTS|3\rFTS|1\r"
    assert split(raw).messages == (ONE, TWO)
    assert fault(raw) == (102, "BTS-1")
    assert split(raw).fault.reason == "3 messages announced, 2 came"


def test_a_batch_cut_short_is_told():
    assert fault(HEAD + ONE) == (100, "BTS")
    assert fault(HEAD + ONE + b"BTS|1\r") == (100, "FTS")
    assert fault(b"FHS|^~\\&\r" + ONE + b"FTS\r") is None


def test_counts_that_are_empty_or_no_number_are_not_checked():
    for bts in (b"BTS\r", b"BTS|\r", b"BTS|x\r", b"BTS"):
        assert fault(b"BHS|^~\\&\r" + ONE + bts) is None


def test_an_empty_batch_holds_nothing():
    assert split(HEAD + b"BTS|0\rFTS|1\r").messages == ()
    assert fault(HEAD + b"BTS|0\rFTS|1\r") is None


def test_words_are_no_messages():
    raw = ONE + b"NTE|1||MSHA is no segment, nor is this MSH|\rMSHX|\rBTS|x".replace(
        b"\rBTS|x", b""
    )
    assert split(raw).messages == (raw,)


def test_a_batch_with_other_delimiters():
    other = (HEAD + ONE + b"BTS|2\rFTS|1\r").replace(b"|", b"#")
    assert fault(other) == (102, "BTS-1")


@pytest.mark.parametrize(
    "hostile",
    [b"a MSH" * 400_000, b"\rMSH" * 20_000, b" " * 2_000_000 + b"MSH|", b"MSHFHSBHS" * 200_000],
)
def test_names_by_the_million_take_no_time(hostile):
    began = time.process_time()
    split(ONE + hostile)
    assert time.process_time() - began < 1


@given(st.lists(st.sampled_from([ONE, TWO, b"NTE|1||x\n", b"ZZZ\r", b"BHS|\r", b"BTS|1\r"])))
def test_every_message_comes_out_whole_and_in_order(pieces):
    raw = b"".join(pieces)
    messages = split(raw).messages
    joined = b"".join(messages)
    for mark in (b"A1", b"A2", b"ZZZ", b"NTE"):
        if b"BTS" not in raw and b"BHS" not in raw:
            assert joined == raw
        elif mark.startswith(b"A"):
            assert joined.count(mark) == raw.count(mark)
    assert all(m.count(b"MSH|") <= 1 for m in messages)


@given(
    st.lists(
        st.sampled_from(
            [
                ONE,
                TWO,
                b"NTE|1||x\n",
                b" \tMSH|^~\\&|b\r",
                b"\r\n",
                b"BHS|\r",
                b"BTS|1\r",
                b"MSHX BHS",
                *(b"MSH", b"BHS", b"BTS", b"|", b" ", b"\t", b"\r", b"\n", b"a", b"\xe9"),
            ]
        ),
        max_size=12,
    ),
    st.integers(20, 50),
)
def test_what_is_looked_at_in_pieces_is_taken_apart_the_same(pieces, size):
    raw = b"".join(pieces)
    whole = batch._starts(raw)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "_PIECE", size)  # never less than a line end, some blanks and a name
        assert batch._starts(raw) == whole
