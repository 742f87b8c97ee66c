"""Hostile and damaged answers of surveys, seen from a job: nothing kept, nothing asked elsewhere (A2, A4, F13)."""

import bz2

import pytest
from django.core.management.base import CommandError

from giz.catalog.models import Galaxy
from giz.core.models import Job
from tests.catalog.fetched import galaxy_at, state, told
from tests.memory import at_most
from tests.surveys.servers import HipsServer, LocalServer
from tests.surveys.sky import shared_sky

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def sky():
    return shared_sky(size_px=128)


def answering(status, body, **headers):
    """A fault that answers with these bytes, well formed."""

    def fault(handler, _parts):
        handler.send_response(status)
        for name, value in {"Content_Length": len(body), **headers}.items():
            handler.send_header(name.replace("_", "-"), str(value))
        handler.end_headers()
        handler.wfile.write(body)
        return True

    return fault


CARDS = b"SIMPLE  =                    T".ljust(80)
ANSWERS = {
    "a page of HTML": (answering(200, b"<html>secret</html>" * 100), "survey_bad_answer"),
    "a bomb": (answering(200, bz2.compress(CARDS + bytes(40_000_000))), "survey_bad_answer"),
    "a header alone": (answering(200, CARDS + b"END".ljust(2800)), "survey_bad_answer"),
    "a terapixel": (
        answering(
            200,
            b"".join(
                f"{name:<8}= {value:>20}".ljust(80).encode()
                for name, value in {"SIMPLE": "T", "BITPIX": -32, "NAXIS": 2, "NAXIS1": 10**6, "NAXIS2": 10**6}.items()
            )
            + b"END".ljust(2480),
        ),
        "survey_bad_answer",
    ),
    "ten gigabytes": (answering(200, CARDS, Content_Length=10**10), "fetch_refused"),
    "an error": (answering(500, b"secret"), "survey_down"),
    "a redirect to a file": (answering(302, b"secret", Location="file:///etc/passwd"), "fetch_refused"),
}


@pytest.mark.finding("abuse A4", "fault F14")
@pytest.mark.parametrize(("fault", "code"), ANSWERS.values(), ids=ANSWERS)
def test_a_hostile_answer_leaves_the_galaxy_as_it_was_and_a_good_one_later_is_taken(
    fault, code, sky, serve, run_command, settings
):
    server = serve(HipsServer(sky))
    server.faults.append(fault)
    galaxy_at(sky)
    with at_most(60), pytest.raises(CommandError):
        run_command("fetch_images", "--pgc", 4, "--surveys", "hips")
    assert f"[{code}]" in told()
    assert "secret" not in told()
    assert state(settings.SURVEY_FOLDER) == ([], {})
    assert Galaxy.objects.filter(pgc=4).exists()
    server.faults.clear()
    assert "1 fetched" in run_command("fetch_images", "--pgc", 4, "--surveys", "hips")


@pytest.mark.finding("abuse A2")
def test_a_redirect_to_this_machine_is_refused_and_nobody_is_asked(sky, serve, run_command):
    listener = LocalServer()
    try:
        serve(HipsServer(sky)).faults.append(answering(302, b"", Location=f"{listener.url}/latest"))
        galaxy_at(sky)
        with pytest.raises(CommandError, match="1 refused"):
            run_command("fetch_images", "--pgc", 4, "--surveys", "hips")
        assert listener.requests == []
    finally:
        listener.close()
    assert "[fetch_refused]" in told()


@pytest.mark.finding("fault F13")
def test_a_disk_that_takes_no_frames_ends_the_run_with_a_sentence_and_loses_nothing(sky, serve, run_command, settings):
    serve(HipsServer(sky))
    galaxy_at(sky)
    settings.SURVEY_FOLDER.mkdir()
    blocked = settings.SURVEY_FOLDER / "frames"
    blocked.write_text("a file in the place of the folder")
    with pytest.raises(CommandError, match="Frames can't be written"):
        run_command("fetch_images", "--pgc", 4, "--surveys", "hips")
    assert Job.objects.get().state == Job.State.FAILED
    blocked.unlink()
    assert "1 fetched" in run_command("fetch_images", "--pgc", 4, "--surveys", "hips")
