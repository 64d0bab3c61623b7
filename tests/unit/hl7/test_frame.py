from __future__ import annotations

import time
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from gateway.hl7.frame import Fault, FaultKind, Frame, Framer, wrap

A = b"MSH|^~\\&|SIL|LABO|||1||ORU^R01|A|P|2.5\rPID|1||1\rOBX|1|NM|K||6.9\r"
B = b"MSH|^~\\&|SIL|LABO|||1||ORU^R01|B|P|2.5\rPID|1||2\rOBX|1|NM|K||3.9\r"


def feed(stream, limit=2**20):
    return Framer(limit=limit).feed(stream)


def messages(events):
    return [e.data for e in events if isinstance(e, Frame)]


def kinds(events):
    return [e.kind for e in events if isinstance(e, Fault)]


def in_chunks(stream, cuts, limit=2**20):
    framer, out, at = Framer(limit=limit), [], 0
    for cut in [*sorted(c % (len(stream) + 1) for c in cuts), len(stream)]:
        out += framer.feed(stream[at:cut])
        at = cut
    return out


def test_it_unwraps_what_it_wraps():
    assert feed(wrap(A)) == [Frame(data=A)]
    assert wrap(A) == b"\x0b" + A + b"\x1c\r"


def test_it_takes_pipelined_messages_in_order():
    assert messages(feed(wrap(A) + wrap(B) + wrap(A))) == [A, B, A]


def test_blanks_and_release_2_acks_between_frames_are_no_fault():
    stream = b"\x06\r\n\x00" + wrap(A) + b"\r\r\r\x15" + wrap(B)
    assert feed(stream) == [Frame(data=A), Frame(data=B)]


def test_garbage_is_told_once_until_a_message_comes_through():
    framer = Framer()
    assert kinds(framer.feed(b"GET / HTTP/1.0\r\n")) == [FaultKind.GARBAGE]
    assert framer.feed(b"Host: x\r\n\r\n") == []
    assert messages(framer.feed(wrap(A))) == [A]
    assert kinds(framer.feed(b"more")) == [FaultKind.GARBAGE]


def test_garbage_keeps_no_bytes():
    framer = Framer()
    (fault,) = framer.feed(b"x" * 10_000)
    assert isinstance(fault, Fault)
    assert fault.data == b""
    assert framer.pending == 0
    assert not framer.in_frame


def test_endless_garbage_closes_at_the_limit():
    framer = Framer(limit=1000)
    framer.feed(b"x" * 1000)
    (fault,) = framer.feed(b"x")
    assert isinstance(fault, Fault)
    assert fault.close
    assert framer.feed(wrap(A)) == []


def test_line_ends_sent_to_keep_a_connection_warm_never_add_up_to_the_limit():
    framer = Framer(limit=1000)
    for _ in range(30):
        assert framer.feed(b"\r\n" * 50) == []
    assert messages(framer.feed(wrap(A))) == [A]


def test_a_last_fs_without_cr_waits_until_it_is_settled():
    framer = Framer()
    assert framer.feed(wrap(A)[:-1]) == []
    assert framer.unsettled
    assert framer.settle() == [Frame(data=A)]
    assert not framer.unsettled
    assert framer.settle() == []
    assert framer.feed(b"\r" + wrap(B)) == [Frame(data=B)]


def test_nothing_is_settled_while_the_message_has_not_ended():
    framer = Framer()
    framer.feed(b"\x0b" + A)
    assert framer.in_frame
    assert not framer.unsettled
    assert framer.settle() == []
    assert framer.pending == len(A)
    assert framer.feed(b"\x1c\r") == [Frame(data=A)]


def test_fs_without_cr_ends_at_the_next_vt():
    assert feed(wrap(A)[:-1] + wrap(B)) == [Frame(data=A), Frame(data=B)]


def test_fs_and_blanks_end_at_the_next_vt():
    assert feed(wrap(A)[:-1] + b"\n\x00" + wrap(B)) == [Frame(data=A), Frame(data=B)]


def test_fs_and_a_line_feed_is_settled():
    framer = Framer()
    framer.feed(wrap(A)[:-1] + b"\n")
    assert framer.settle() == [Frame(data=A)]


def test_fs_without_cr_in_the_middle_of_a_segment_never_ends_a_frame():
    framer = Framer()
    framer.feed(b"\x0b" + A[:50] + b"\x1c")
    assert not framer.unsettled
    assert framer.settle() == []
    assert framer.feed(A[50:] + b"\x1c\r") == [Frame(data=A[:50] + b"\x1c" + A[50:])]
    events = feed(b"\x0b" + A[:50] + b"\x1c" + wrap(B))
    assert kinds(events) == [FaultKind.INTERRUPTED]
    assert messages(events) == [B]


def test_fs_inside_the_text_stays_in_the_text():
    body = A.replace(b"6.9", b"6\x1cq\x01.9")
    assert feed(wrap(body)) == [Frame(data=body)]


def test_fs_at_a_segment_boundary_never_gives_half_a_message():
    half, rest = A[:60], A[60:]
    body = half + b"\x1c" + rest
    assert messages(feed(wrap(body))) == [body]


def test_a_second_message_after_a_bare_fs_is_ambiguous_and_neither_is_taken():
    for gap in (b"", b"\n", b"\x00 "):
        (fault,) = feed(b"\x0b" + A + b"\x1c" + gap + B + b"\x1c\r")
        assert isinstance(fault, Fault)
        assert fault.kind is FaultKind.AMBIGUOUS
        assert fault.data == A + b"\x1c" + gap + B
        assert not fault.close


def test_vt_inside_a_frame_starts_again_and_the_first_part_is_a_fault():
    first, second = feed(b"\x0b" + A[:20] + wrap(B))
    assert first == Fault(
        kind=FaultKind.INTERRUPTED, reason="a new frame began before its end", data=A[:20]
    )
    assert second == Frame(data=B)


def test_a_message_with_vt_in_its_text_is_never_taken_in_part():
    events = feed(b"\x0b" + A[:50] + b"\x0b" + A[50:] + b"\x1c\r")
    assert kinds(events) == [FaultKind.INTERRUPTED]
    assert messages(events) == [A[50:]]  # begins with no MSH: the reader refuses it


def test_text_with_fs_that_is_interrupted_is_a_fault_whole():
    part = A[:40] + b"\x1cq" + A[40:60]
    events = feed(b"\x0b" + part + wrap(B))
    assert kinds(events) == [FaultKind.INTERRUPTED]
    assert messages(events) == [B]


def test_empty_frames_are_told_once():
    assert kinds(feed(b"\x0b\x1c\r" * 1000)) == [FaultKind.EMPTY]
    assert kinds(feed(b"\x0b\x06\x1c\r")) == [FaultKind.EMPTY]


def test_a_frame_of_blanks_is_a_fault_that_can_be_answered():
    (fault,) = feed(b"\x0b   \r  \x1c\r")
    assert (fault.kind, fault.data) == (FaultKind.EMPTY, b"   \r  ")


def test_a_flood_of_vt_is_bounded_in_memory_and_in_faults():
    framer = Framer()
    faults = [f for _ in range(4) for f in framer.feed(b"\x0b" * 65536)]
    assert kinds(faults) == [FaultKind.EMPTY]
    assert framer.pending == 0


def test_a_peer_that_sends_only_broken_frames_is_told_to_go():
    framer = Framer()
    events = framer.feed(b"\x0bx" * 500)
    assert kinds(events)[-1] is FaultKind.FLOOD
    assert kinds(events).count(FaultKind.INTERRUPTED) == 100
    assert framer.closed
    assert framer.feed(wrap(A)) == []


def test_a_message_between_faults_earns_patience_again():
    framer = Framer()
    for _ in range(20):
        framer.feed(b"\x0bx" * 50 + wrap(A))
    assert not framer.closed


def test_a_message_of_exactly_the_limit_passes_and_one_byte_more_closes():
    assert messages(feed(wrap(A), limit=len(A))) == [A]
    (fault,) = feed(wrap(A), limit=len(A) - 1)
    assert isinstance(fault, Fault)
    assert fault.kind is FaultKind.TOO_LONG
    assert fault.close
    assert fault.data == A[:-1]


def test_over_the_limit_it_gives_the_head_and_forgets_the_rest():
    framer = Framer(limit=100_000)
    events = framer.feed(b"\x0b" + A)
    for _ in range(20):
        events += framer.feed(b"A" * 10_000)
    (fault,) = events
    assert isinstance(fault, Fault)
    assert fault.data.startswith(A)
    assert len(fault.data) == 4096
    assert framer.pending == 0


def test_once_closed_it_says_nothing_more():
    assert kinds(feed(b"\x0bMSH|" + wrap(A), limit=3)) == [FaultKind.TOO_LONG]
    assert kinds(feed(b"junk" + wrap(A), limit=3)) == [FaultKind.GARBAGE, FaultKind.TOO_LONG]
    framer = Framer(limit=3)
    framer.feed(b"\x0bMSH|")
    assert framer.settle() == []
    assert not framer.unsettled
    assert not framer.in_frame


def test_memory_of_a_long_message_is_given_back():
    framer = Framer(limit=2**22)
    tracemalloc.start()
    framer.feed(b"\x0b")
    for _ in range(30):
        framer.feed(b"A" * 100_000)
    peak = tracemalloc.get_traced_memory()[0]
    assert len(framer.feed(b"\x1c\r")) == 1
    left = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert peak > 3_000_000
    assert left < 100_000


def test_time_is_linear_in_single_bytes_and_in_lone_fs():
    for body in (b"x" * 20_000, b"\x1cx" * 10_000):
        framer = Framer()
        start = time.perf_counter()
        for byte in b"\x0b" + body:
            framer.feed(bytes((byte,)))
            assert not framer.unsettled or byte == 0x1C
        assert time.perf_counter() - start < 1
        assert framer.pending == len(body)


PIECES = st.sampled_from(
    [b"\x0b", b"\x1c", b"\r", b"\n", b"\x00", b"MSH|", b"x", b"abc", A, wrap(A), wrap(B)]
)


@given(st.lists(PIECES, max_size=12), st.lists(st.integers(0, 10**6), max_size=8))
def test_any_chunking_gives_the_same_result(pieces, cuts):
    stream = b"".join(pieces)
    whole = feed(stream)
    assert in_chunks(stream, cuts) == whole
    assert in_chunks(stream, range(len(stream))) == whole


@given(
    st.lists(PIECES, max_size=12), st.lists(st.integers(0, 10**6), max_size=8), st.integers(1, 80)
)
def test_any_chunking_gives_the_same_result_under_a_limit(pieces, cuts, limit):
    stream = b"".join(pieces)
    assert in_chunks(stream, cuts, limit) == feed(stream, limit)
    assert in_chunks(stream, range(len(stream)), limit) == feed(stream, limit)


NOISE = st.binary(max_size=30).filter(lambda b: b"\x0b" not in b and b"\x1c" not in b)
SENT = st.tuples(st.sampled_from([A, B, A + B[:10]]), NOISE)


@given(st.lists(SENT, max_size=8))
def test_every_well_framed_message_comes_out_as_sent_whatever_lies_between(
    sent,
):
    stream = b"".join(noise + wrap(body) for body, noise in sent)
    assert messages(feed(stream)) == [body for body, _ in sent]


@given(
    st.lists(st.sampled_from([A, B, b"\x0b", b"\x1c\r", b"\x1c", wrap(A), wrap(B)]), max_size=10)
)
def test_two_framed_messages_are_never_merged(pieces):
    """Whatever marks are lost, an FS or VT that stood between two messages still parts them."""
    for body in messages(feed(b"".join(pieces))):
        assert b"\x0b" not in body
        assert b"\x1cMSH" not in body


@given(st.binary(max_size=200), st.lists(st.integers(0, 10**6), max_size=5))
def test_random_streams_give_the_same_result_however_chunked(stream, cuts):
    assert in_chunks(stream, cuts) == feed(stream)
