"""Which galaxies are fetched: by name, of a campaign, from the staff pages; and why some failed, in a line."""

import re

import pytest
from django.core.management.base import CommandError
from django.urls import reverse

from giz.catalog.jobs import images_fetch_job
from giz.catalog.models import Galaxy, GalaxyImage
from giz.core.jobs import run_job
from giz.core.models import AuditEvent, Job
from labeling.models import Campaign, Target
from standards.models import Standard, StandardSet
from tests.catalog import fetched
from tests.catalog.fetched import told
from tests.refusals import refuses
from tests.surveys.servers import HipsServer, NamesServer
from tests.surveys.sky import Sky, shared_sky

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def sky():
    return shared_sky(size_px=128)


@pytest.fixture(autouse=True)
def _hips_alone(settings):
    settings.SURVEY_ORDER = ["hips"]


def galaxy_at(sky, pgc, **values):
    return fetched.galaxy_at(sky, pgc, **{"d25_arcsec": 20.0, "position_angle_deg": 10.0, **values})


# --- names -----------------------------------------------------------------------------------------------------------
def test_a_name_becomes_a_number_by_simbads_aliases(sky, serve, run_command):
    galaxy_at(sky, 50063)
    serve(NamesServer())
    serve(HipsServer(sky))
    said = run_command("fetch_images", "--name", "M 101", "--surveys", "hips")
    assert "M 101 is PGC 50063." in said
    assert "1 fetched, 0 unchanged, 0 failed" in said


def test_names_and_numbers_are_fetched_by_one_command(sky, serve, run_command):
    galaxy_at(sky, 4)
    galaxy_at(sky, 50063)
    serve(NamesServer())
    serve(HipsServer(sky))
    said = run_command("fetch_images", "--pgc", 4, "--name", "M 101", "--surveys", "hips")
    assert "2 fetched, 0 unchanged, 0 failed" in said


def test_a_name_without_a_number_is_found_in_the_catalogue_by_its_position(serve, run_command):
    there = Sky(10.00105, -5.0, size_px=128)
    near = galaxy_at(there, 77)
    galaxy_at(there, 78, ra_deg=10.0, dec_deg=-5.01)
    serve(NamesServer())
    serve(HipsServer(there))
    with pytest.raises(CommandError):
        run_command("fetch_images", "--name", "Lonely 1", "Far 1", "Nothing 0", "--surveys", "hips")
    assert Job.objects.get().result["names"] == {"Lonely 1": near.pgc}
    assert GalaxyImage.objects.filter(galaxy=near).exists()
    assert Job.objects.get().result["why"]["name without PGC number"] == 1
    assert "Far 1: NED knows it at 200.00000 -5.00000, but no PGC number of it" in told()
    assert "Nothing 0: Neither SIMBAD nor NED nor VizieR knows 'Nothing 0'. [not_found]" in told()


def test_without_an_answer_names_wait_and_it_says_that_numbers_work(serve, run_command):
    server = serve(NamesServer())
    server.faults.append(lambda handler, _: handler.send_error(503) or True)
    with refuses("survey_down", "HTTP 503"):
        run_command("fetch_images", "--name", "M 101")


def test_where_names_get_no_answer_numbers_are_fetched_all_the_same_and_the_names_are_told(sky, serve, run_command):
    galaxy_at(sky, 4)
    names = serve(NamesServer())
    names.faults.append(lambda handler, parts: "sesame" in parts.path and (handler.send_error(503) or True))
    serve(HipsServer(sky))
    job = images_fetch_job([4], ["hips"], names=["M 101", "NGC 1"])
    done = run_job(job)
    assert (done.result["fetched"], done.result["failed"], done.result["names"]) == (1, 2, {})
    assert done.result["why"] == {"names not looked up": 2}
    assert "M 101: 127.0.0.1 is busy (HTTP 503). [survey_down]" in told()
    assert "NGC 1: not looked up for the same reason" in told()
    names.faults.clear()
    assert run_job(images_fetch_job([4], ["hips"], names=["M 101", "NGC 1"])).result["names"] == {"M 101": 50063}


@pytest.mark.parametrize("name", ["http://127.0.0.1:6379/", "file:///etc/passwd", "a@127.0.0.1", "//169.254.169.254"])
def test_an_address_in_the_place_of_a_name_starts_nothing(name, serve, run_command, bob_client):
    listener = serve(NamesServer())
    with pytest.raises(CommandError, match="is not the name of a galaxy"):
        run_command("fetch_images", "--name", name)
    bob_client.post(reverse("admin:catalog_fetch"), {"galaxies": name, "surveys": ["sdss"]})
    assert listener.requests == []
    assert not Job.objects.exists()


def test_a_name_that_no_catalogue_uses_is_refused_at_once(run_command):
    with pytest.raises(CommandError, match="is not the name of a galaxy"):
        run_command("fetch_images", "--name", "M31&of=xml")
    assert not Job.objects.exists()


# --- campaigns -------------------------------------------------------------------------------------------------------
@pytest.fixture
def campaign(sky):
    """One galaxy to judge, one standard, one synthetic galaxy, and one that has nothing to do with it."""
    ruler = StandardSet.objects.create(name="ruler", version=1)
    campaign = Campaign.objects.create(name="first", title="First", standard_set=ruler)
    Standard.objects.create(standard_set=ruler, galaxy=galaxy_at(sky, 11), inclination_deg=60.0, bin_deg=60)
    for galaxy in (galaxy_at(sky, 12), galaxy_at(sky, 90_000_001, is_synthetic=True)):
        Target.objects.create(campaign=campaign, galaxy=galaxy, priority=0, quota=3, order_key=galaxy.pgc % 7)
    galaxy_at(sky, 13)
    return campaign


def test_a_campaign_is_fetched_by_its_name_and_made_anew(sky, campaign, serve, run_command):
    serve(HipsServer(sky))
    assert "2 fetched, 0 unchanged, 0 failed" in run_command("fetch_images", "--campaign", "first")
    assert set(GalaxyImage.objects.values_list("galaxy__pgc", flat=True)) == {11, 12}
    assert "0 made, 2 unchanged" in run_command("prepare_images", "--campaign", "first")


def test_a_campaign_that_does_not_exist_is_answered_with_the_nearest(campaign, run_command):
    with pytest.raises(CommandError, match=r"no campaign 'frist'\. Did you mean first\?"):
        run_command("fetch_images", "--campaign", "frist")


def test_staff_fetch_what_a_campaign_lacks_with_one_button(campaign, bob_client):
    press = reverse("admin:labeling_campaign_press", args=[campaign.pk, "fetch"])
    bob_client.post(press)
    job = Job.objects.get(kind="fetch_images")
    assert job.params["numbers"] == [11, 12]
    assert AuditEvent.objects.filter(action="fetch_images", subject=str(job.id)).exists()


def test_the_button_fetches_lacking_bands_too_and_says_where_nothing_is_lacking(
    sky, campaign, serve, run_command, bob_client
):
    serve(HipsServer(sky))
    run_command("fetch_images", "--campaign", "first")
    press = reverse("admin:labeling_campaign_press", args=[campaign.pk, "fetch"])
    page = bob_client.post(press, follow=True).content.decode()
    assert "has its pictures." in page
    GalaxyImage.objects.filter(galaxy__pgc=12, band="r").delete()
    page = bob_client.post(press, follow=True).content.decode()
    assert "Frames for the missing pictures of 1 galaxy are being fetched" in page
    assert Job.objects.filter(kind="fetch_images").latest("created_at").params["numbers"] == [12]


# --- staff -----------------------------------------------------------------------------------------------------------
def test_staff_type_numbers_and_names_and_are_led_to_the_job(sky, settings, bob, bob_client):
    settings.SURVEY_ORDER = ["panstarrs", "hips"]
    page = bob_client.get(reverse("admin:catalog_fetch")).content.decode()
    assert re.findall(r'name="surveys" value="(\w+)"', page) == ["panstarrs", "hips", "sdss"]
    form = {"galaxies": "PGC 4\n12 # edge-on\nNGC 3521\n", "surveys": ["sdss", "hips"]}
    answer = bob_client.post(reverse("admin:catalog_fetch"), form)
    job = Job.objects.get()
    assert answer["Location"] == reverse("admin:core_job_change", args=[job.pk])
    assert job.params == {"numbers": [4, 12], "names": ["NGC 3521"], "surveys": ["hips", "sdss"]}, (
        "in the order of the page"
    )
    assert job.owner == bob


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"galaxies": "4\nM31&of=xml"}, "Line 2: &#x27;M31&amp;of=xml&#x27; is not the name of a galaxy"),
        ({"galaxies": "PGC 90000001"}, "Line 1: pgc is 90000001"),
        ({"galaxies": ""}, "Enter at least one galaxy."),
        ({"galaxies": "", "missing": "on"}, "Every galaxy in the catalogue has a picture."),
        ({"galaxies": "4", "surveys": []}, "This field is required."),
    ],
)
def test_typing_errors_are_told_beside_the_field_and_start_nothing(form, words, bob_client):
    page = bob_client.post(reverse("admin:catalog_fetch"), {"surveys": ["sdss"]} | form).content.decode()
    assert words in page
    assert not Job.objects.exists()


def test_staff_choose_galaxies_in_the_list_or_press_the_button_of_one(sky, bob_client):
    galaxies = [galaxy_at(sky, 4), galaxy_at(sky, 12), galaxy_at(sky, 90_000_001, is_synthetic=True)]
    chosen = {"_selected_action": [galaxy.pk for galaxy in galaxies]}
    listing = reverse("admin:catalog_galaxy_changelist")
    bob_client.post(listing, {"action": "fetch_frames", **chosen})
    bob_client.post(listing, {"action": "prepare_pictures", **chosen})
    bob_client.post(reverse("admin:catalog_galaxy_press", args=[galaxies[0].pk, "fetch"]))
    jobs = [(job.kind, job.params["numbers"]) for job in Job.objects.order_by("created_at")]
    assert jobs == [("fetch_images", [4, 12]), ("prepare_images", [4, 12]), ("fetch_images", [4])]
    page = bob_client.post(listing, {"action": "fetch_frames", "_selected_action": [galaxies[2].pk]}, follow=True)
    assert "There are no galaxies to process" in page.content.decode()


def test_lists_of_pictures_call_surveys_by_their_names_and_are_narrowed_to_one(sky, serve, run_command, bob_client):
    galaxy_at(sky, 4)
    serve(HipsServer(sky))
    run_command("fetch_images", "--pgc", 4)
    listing = reverse("admin:catalog_galaxyimage_changelist")
    page = bob_client.get(listing).content.decode()
    assert page.count("DESI Legacy Surveys") >= 5, "four pictures and the filter"
    assert "hips-legacy" not in re.sub(r'(href|value)="[^"]*"', "", page)
    assert len(bob_client.get(listing, {"origin": "hips-legacy"}).context["cl"].result_list) == 4
    assert len(bob_client.get(listing, {"origin": "sdss"}).context["cl"].result_list) == 0


def test_volunteers_have_no_such_page(alice_client):
    assert alice_client.get(reverse("admin:catalog_fetch"), follow=True).status_code == 404


# --- why -------------------------------------------------------------------------------------------------------------
def test_a_run_says_how_many_failed_for_which_reason_and_keeps_it_with_the_job(sky, serve, run_command):
    serve(NamesServer())
    serve(HipsServer(sky, surveys=()))
    galaxy_at(sky, 4)
    galaxy_at(sky, 5)
    Galaxy.objects.create(pgc=6, ra_deg=1.0, dec_deg=1.0)
    with pytest.raises(CommandError) as caught:
        run_command("fetch_images", "--pgc", 4, 5, 6, 7)
    assert "(2 not covered, 1 not known, 1 without position or D25)" in str(caught.value)
    assert Job.objects.get().result["why"] == {"not covered": 2, "without position or D25": 1, "not known": 1}
