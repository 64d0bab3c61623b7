"""A page printer in the site's file."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.channels.ipp import Settings
from gateway.ipp.address import address

PIN = ":".join(["ab"] * 32)


def settings(**keys):
    return Settings(**{"name": "p", "kind": "ipp", "connect": "ipp://10.0.0.9/ipp/print", **keys})


def test_an_address_is_taken_apart():
    place = address("ipps://printer.example:8631/ipp/print", pin="x")
    assert (place.host, place.port, place.path, place.secure) == (
        "printer.example",
        8631,
        "/ipp/print",
        True,
    )
    assert address("ipp://10.0.0.9").port == 631


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"connect": "tcp:10.0.0.9:9100"}, "written like"),
        ({"connect": "ipp://u:p@10.0.0.9/"}, "written like"),
        ({"connect": "ipp://10.0.0.9/a b"}, "spaces"),
        ({"connect": "ipps://10.0.0.9/ipp"}, "ipps needs"),
        ({"fingerprint": PIN}, "over ipps only"),
        ({"connect": "ipps://10.0.0.9/ipp", "fingerprint": "ab"}, "64 hex"),
        ({"paper": "A4"}, "iso_a4_210x297mm"),
    ],
)
def test_a_fault_says_how_to_write_it(keys, fault):
    with pytest.raises(ValidationError, match=fault):
        settings(**keys)


def test_a_fingerprint_is_taken_as_tools_print_it():
    found = settings(connect="ipps://10.0.0.9/ipp", fingerprint=PIN.upper())
    assert found.fingerprint == "ab" * 32
