"""Sessions: one person, one browser, one use of each form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from gateway.clock import ReactorClock
from gateway.directory import Person
from gateway.web.session import LONGEST, MOST, SENT, Form, Sessions

WHO = Person(code="4711", name="Dr Roux")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sessions(clock):
    return Sessions(ReactorClock(clock, wall=0.0), idle=900.0)


def test_a_cookie_opens_its_own_session_and_no_other(sessions):
    cookie, session = sessions.begin(WHO)
    other, _ = sessions.begin(WHO)
    assert sessions.find(cookie) is session
    assert sessions.find(other) is not session
    assert sessions.find("") is None
    assert sessions.find(cookie[:-1]) is None


def test_it_ends_after_a_while_without_anybody(sessions, clock):
    cookie, _ = sessions.begin(WHO)
    clock.advance(899)
    assert sessions.find(cookie)
    clock.advance(899)
    assert sessions.find(cookie, awake=False)
    clock.advance(2)
    assert sessions.find(cookie) is None


def test_it_ends_with_the_shift_however_busy(sessions, clock):
    cookie, _ = sessions.begin(WHO)
    for _ in range(int(LONGEST // 600)):
        clock.advance(600)
        assert sessions.find(cookie)
    clock.advance(1)
    assert sessions.find(cookie) is None


def test_it_ends_when_somebody_says_so(sessions):
    cookie, _ = sessions.begin(WHO)
    sessions.end(cookie)
    sessions.end(cookie)
    assert sessions.find(cookie) is None


def test_there_is_an_end_to_sessions_and_to_what_each_remembers(sessions):
    first, session = sessions.begin(WHO)
    for _ in range(SENT + 5):
        session.spend("/x", session.token("/x"))
    assert len(session._sent) == SENT
    for _ in range(MOST):
        sessions.begin(WHO)
    assert sessions.find(first) is None
    assert len(sessions._open) == MOST


def test_a_form_counts_once_and_only_where_it_belongs(sessions):
    _, session = sessions.begin(WHO)
    _, other = sessions.begin(WHO)
    token = session.token("/held/1")
    assert session.spend("/held/2", token) is Form.STRANGE
    assert other.spend("/held/1", token) is Form.STRANGE
    assert session.spend("/held/1", token) is Form.FRESH
    assert session.spend("/held/1", token) is Form.SENT


@given(st.text())
def test_nothing_that_is_made_up_is_a_form_of_ours(token):
    session = Sessions(ReactorClock(Clock()), idle=900.0).begin(WHO)[1]
    assert session.spend("/held/1", token) is Form.STRANGE
