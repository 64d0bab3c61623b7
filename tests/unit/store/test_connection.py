from __future__ import annotations

import pytest

from gateway.store.connection import StoreRefused, check_version


@pytest.mark.parametrize("version", ["3.7.0", "3.40.1", "3.51.2", "3.9.99"])
def test_an_sqlite_that_can_lose_commits_is_refused_in_one_line(version):
    with pytest.raises(StoreRefused) as refused:
        check_version(version)

    assert version in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("version", ["3.51.3", "3.52.0", "4.0.0", "3.54.1"])
def test_a_mended_sqlite_will_do(version):
    check_version(version)
