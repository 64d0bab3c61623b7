import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers import command


def test_a_job_begins_clean_and_asks_for_changes_of_state():
    assert command.prelude() == bytes.fromhex("1b40 1d610e")


def test_a_fence_carries_its_token():
    assert command.fence("7K2Q") == bytes.fromhex("1d2848060030 30") + b"7K2Q"
    assert command.gs_r() == bytes.fromhex("1d7201")


@pytest.mark.parametrize("token", ["", "abc", "abcde", "ab\nd", "ab\x7fd", "abcé"])
def test_a_token_no_printer_could_echo_is_refused(token):
    with pytest.raises(ValueError, match="four printable"):
        command.fence(token)


def test_status_requests_are_the_four_of_dle_eot():
    assert [command.status(n) for n in (1, 2, 3, 4)] == [bytes((16, 4, n)) for n in (1, 2, 3, 4)]
    with pytest.raises(ValueError, match="not 5"):
        command.status(5)


def test_buffers_are_cleared_by_name():
    assert command.clear_buffers() == bytes.fromhex("10140801031401060208")


def test_a_flush_outlasts_the_longest_strip():
    flush = command.flush()
    assert flush == b"\x00" * 8192 + b"\x1b@"
    assert flush.count(0) >= command.STRIP_BYTES


def test_a_cut_feeds_to_the_blade():
    assert command.cut() == bytes.fromhex("1d564200")
    assert command.cut(full=True) == bytes.fromhex("1d564100")


@given(st.lists(st.sampled_from([0x00, 0x10, 0x04, 0x05, 0x14, 0xFF]), min_size=72, max_size=720))
def test_no_image_holds_a_real_time_command(dots):
    data = bytes(dots[: len(dots) // 72 * 72])
    sent = command.raster(72, data)
    assert not re.search(rb"\x10[\x04\x05\x14]", sent)
    assert len(sent) == 8 + len(data)
    changed = sum(before != after for before, after in zip(data, sent[8:], strict=True))
    assert changed == len(re.findall(rb"\x10(?=[\x04\x05\x14])", data))


def test_a_strip_says_its_size():
    assert command.raster(72, bytes(72 * 90))[:8] == bytes.fromhex("1d763000 4800 5a00")


@pytest.mark.parametrize("size", [0, 71, 8280])
def test_half_rows_and_overlong_strips_are_refused(size):
    with pytest.raises(ValueError, match="not a strip"):
        command.raster(72, bytes(size))


def test_code_128_is_in_set_b_with_its_braces_doubled():
    assert command.code128("LAB-26", module=2).endswith(b"\x1dkI\x08{BLAB-26")
    assert command.code128("a{b", module=2).endswith(b"\x1dkI\x06{Ba{{b")


def test_the_width_of_a_code_128_counts_its_quiet_zones():
    assert command.code128_width("LAB2026-000123", module=2) == 378 + 40


def test_a_qr_code_is_stored_then_printed():
    assert command.qr("ABC", module=6) == bytes.fromhex(
        "1d286b040031413200 1d286b0300314306 1d286b0300314531 1d286b0600315030 414243 1d286b0300315130"
    )
