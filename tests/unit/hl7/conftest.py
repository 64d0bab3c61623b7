import pytest

MSH = "MSH|^~\\&|SIL|LABO|PASSERELLE|CHU|20260705164637+0200||{type}|{id}|P|2.5"
PID = "PID|1||4711^^^CHU^PI||Lefèvre^Hélène^^^^^L||19720701|F"
PV1 = "PV1|1|I|CARD^214^A^CHU"


@pytest.fixture
def message():
    """Builds the bytes of a message: PID and PV1 stand in front unless `patient` is False."""

    def build(*segments, type="ORU^R01", id="A1", patient=True, msh="", charset="utf-8"):
        head = msh or MSH.format(type=type, id=id)
        lines = [head, *((PID, PV1) if patient else ()), *segments]
        return "".join(f"{line}\r" for line in lines).encode(charset)

    return build
