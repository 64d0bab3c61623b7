"""Whatever a message says, its slip says it too, and nothing makes it fail."""

import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.message import (
    Attachment,
    Flag,
    Group,
    Kind,
    Location,
    Message,
    Observation,
    Patient,
    Priority,
    Status,
)
from gateway.render import (
    Gap,
    Known,
    Outlet,
    Poison,
    Refusal,
    Waited,
    earlier_values,
    poison,
    refusal,
    render,
    summary,
)
from printers.layout import lay_out
from tests.unit.render.samples import banners, context, printed, text

BREAK = re.compile("\r\n|[\n\r\u2028\u2029]")

# Mostly drawn from a list, a little from all of Unicode: generating text is what takes time here.
words = st.sampled_from(
    [
        "Lecœur",
        "µmol/L",
        "≥ 32",
        "\x1b@\x1dV0",
        "a\nb\r\nc",
        "{x}",
        "%s",
        "\ud800",
        "é" * 40,
        "€",
        "\u202eabc",
        "  ",
        "\u2028",
        "x" * 110,
        "e\u0301",
        "日本",
        "a\tb",
        "\x00",
        "-",
        "0",
    ]
) | st.text(max_size=8)
sometimes = st.just("") | words
notes = st.just(()) | words.map(lambda word: (word, "note"))
dates = st.sampled_from(["", "1961", "20260803112000", "20260803+0200", "xx", "99999999"]) | words
attachments = st.none() | st.builds(
    Attachment, title=words, media_type=words, size=st.integers(0, 10**9), fault=sometimes
)
observations = st.builds(
    Observation,
    code=words,
    name=words,
    value=words | st.just("mot " * 60),
    sub_id=st.sampled_from(["", "1", "2"]),
    unit=sometimes,
    reference=sometimes,
    flag=st.sampled_from(Flag),
    flag_text=st.sampled_from(["", "H", "LL", "R"]),
    status=st.sampled_from(Status),
    status_code=st.sampled_from(["", "F", "W", "Q"]),
    observed_at=dates,
    notes=notes,
    attachment=attachments,
)
groups = st.builds(
    Group,
    placer=sometimes,
    filler=st.sampled_from(["", "1", "2"]),
    code=words,
    name=words,
    control=st.sampled_from(["", "NW", "CA", "RE", "??"]),
    priority=st.sampled_from(Priority),
    priority_text=sometimes,
    collected_at=dates,
    wanted_at=dates,
    reported_at=dates,
    requester=sometimes,
    requester_phone=sometimes,
    specimen=sometimes,
    section=sometimes,
    status=st.sampled_from(Status),
    status_code=st.sampled_from(["", "F", "C"]),
    parent=sometimes,
    parent_value=sometimes,
    parent_filler=st.sampled_from(["", "1", "2"]),
    notes=notes,
    observations=st.lists(observations, max_size=3).map(tuple),
)
patients = st.builds(
    Patient,
    family=sometimes,
    given=sometimes,
    birth_name=sometimes,
    birth_date=dates,
    sex=sometimes,
    ipp=sometimes,
    nda=sometimes,
    identity_status=sometimes,
)
messages = st.builds(
    Message,
    control_id=words,
    sender=words,
    type=words,
    kind=st.sampled_from(Kind),
    priority=st.sampled_from(Priority),
    test=st.booleans(),
    patient=st.none() | patients,
    location=st.none() | st.builds(Location, unit=words, room=words, bed=words, facility=words),
    groups=st.lists(groups, max_size=2).map(tuple),
    notes=notes,
    warnings=notes,
)
circumstances = st.fixed_dictionaries(
    {
        "language": st.sampled_from(["fr", "en"]),
        "outlet": st.sampled_from(Outlet),
        "reason": words,
        "ward_name": words,
        "number": st.none() | st.integers(1, 99_999),
        "prints": st.integers(1, 3),
        "doubtful": st.booleans(),
        "degraded": st.booleans(),
        "outage_since": st.none() | st.floats(0, 2e9),
        "drill": st.booleans(),
        "phone": sometimes,
        "acknowledge": sometimes,
        "reused": st.booleans(),
        "unauthenticated": st.booleans(),
        "gaps": st.lists(
            st.builds(Gap, number=st.integers(1, 99), known=st.sampled_from(Known), place=words),
            max_size=5,
        ).map(tuple),
    }
)


def flat(found):
    return BREAK.sub("·", found)


def stands(needle, found):
    return flat(needle.strip()).strip("·") in found


def told(message):
    """Everything a reader of a message must find on its slip."""
    patient = message.patient
    if patient is not None:
        yield from (patient.family, patient.given, patient.ipp, patient.nda)
    yield from (message.control_id, *message.notes)
    for group in message.groups:
        yield from (group.name, group.placer, group.filler, group.specimen, *group.notes)
        yield from (group.requester, group.requester_phone)
        for observation in group.observations:
            yield from (observation.name or observation.code, *observation.notes)
            if observation.attachment is None:
                yield from (observation.value, observation.unit, observation.reference)


quick = settings(max_examples=25, deadline=None)


@quick
@given(messages, circumstances, st.lists(messages, max_size=1))
def test_nothing_of_a_message_is_lost_on_its_slip(message, fields, before):
    here = context(**fields)
    earlier = earlier_values([printed(m, slip=n or None) for n, m in enumerate(before)])
    slip = render(message, here, corrections=earlier)
    found = flat(text(slip))
    for needle in (*told(message), here.ward_name):
        assert stands(needle, found), needle
    lay_out(slip, 48)


@quick
@given(messages, circumstances)
def test_the_words_that_must_stand_stand_and_no_others(message, fields):
    here = context(**{**fields, "language": "fr", "ward_name": "Cardiologie"})
    found = " / ".join(banners(render(message, here)))
    assert ("MODE DÉGRADÉ" in found) == here.degraded
    assert ("DUPLICATA" in found) == (here.doubtful or here.prints > 1)
    assert ("DUPLICATA POSSIBLE" in found) == here.doubtful
    assert ("EXERCICE" in found) == (here.drill or message.test)
    assert ("COURSIER" in found) == (here.outlet is Outlet.COURIER)
    assert ("PAS UN RÉSULTAT" in found) == message.test


@quick
@given(messages.map(lambda m: replace(m, kind=Kind.RESULT)))
def test_what_is_critical_corrected_or_withdrawn_is_announced(message):
    found = banners(render(message, context()))
    gone = (Status.WITHDRAWN, Status.CANCELLED)
    pairs = [(g.status, o) for g in message.groups for o in g.observations]
    holds = [o for g, o in pairs if g is not Status.WITHDRAWN and o.status not in gone]
    statuses = [g.status for g in message.groups]
    assert ("CRITIQUE" in found) == any(o.flag.critical for o in holds)
    every = [*statuses, *(o.status for _, o in pairs)]
    assert any("RÉSULTAT ANNULÉ" in b for b in found) == (Status.WITHDRAWN in every)
    firm = [*statuses, *(o.status for o in holds)]
    assert ("CORRECTION" in found) == (Status.CORRECTED in firm)


@quick
@given(st.lists(messages, max_size=2), circumstances)
def test_a_summary_of_anything_names_every_patient_and_can_be_laid_out(those, fields):
    slip = summary([Waited(message=m, received_at=0.0) for m in those], context(**fields))
    lay_out(slip, 48)
    found = flat(text(slip))
    for message in those:
        if message.patient is not None and not any(g.observations for g in message.groups):
            assert stands(message.patient.family, found)
            assert stands(message.patient.ipp, found)
            assert stands(message.patient.nda, found)


@quick
@given(words, words, st.binary(max_size=400), circumstances)
def test_notices_of_anything_can_be_laid_out(one, other, raw, fields):
    here = context(**fields)
    lay_out(refusal(Refusal(reason=one, location=other, sender=one, peer=other, raw=raw), here), 32)
    lay_out(poison(Poison(reason=one, control_id=other, sender=one), here), 32)
