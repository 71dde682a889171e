from app.kernel.errors import Defect, InvalidInput, Unauthenticated
from app.state.socket.notices import notice
from tests.unit.state.conftest import said


def test_an_expected_failure_is_its_sentence():
    assert "The name is empty." in said([notice(InvalidInput("The name is empty."))])


def test_an_ended_session_leads_to_the_sign_in_page():
    assert "agentloomSession.ask()" in said([notice(Unauthenticated("gone"))])


def test_a_defect_shows_a_reference_and_no_detail():
    for error in (Defect("internals"), ZeroDivisionError("internals")):
        text = said([notice(error)])
        assert "req_" in text
        assert "internals" not in text
