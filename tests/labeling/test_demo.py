"""The demo sky as a whole: people can begin early, votes keep their ruler, a second run changes nothing."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from giz.catalog.formats.numbers import FIRST_SYNTHETIC_PGC
from giz.catalog.models import Galaxy, GalaxyImage, SyntheticTruth
from giz.core.errors import Refused
from giz.core.jobs import run_job
from giz.core.models import Job
from giz.embedded.layout import Layout
from giz.embedded.locks import only_site
from labeling.comparison import replay
from labeling.demo.jobs import demo_job
from labeling.demo.plan import FIRST_TARGET_PGC
from labeling.management.commands.demo import DEFAULT_SEED
from labeling.models import Campaign, Target, Vote
from labeling.services.campaigns import campaign_pause, campaign_use_set
from standards.models import Standard, StandardSet
from standards.selectors import set_standards
from tests.labeling.sky import client_of, lease, make_campaign, make_set, make_volunteer, post, vote_body

pytestmark = pytest.mark.django_db(transaction=True)
SMALL = {"size_px": 64, "seed": 1, "per_bin": 2, "targets": 6, "first_targets": 2}


def make_sky(on_progress=None, **changes):
    return run_job(demo_job(**{**SMALL, **changes}), on_progress=on_progress).result


def everything():
    models = (Galaxy, GalaxyImage, SyntheticTruth, StandardSet, Standard, Campaign, Target)
    return [list(model.objects.order_by("pk").values()) for model in models]


def replayed(vote):
    shown = set_standards(vote.standard_set_id).for_target(vote.target.galaxy_id)
    return replay(vote.trace, shown.sources, shown.orders(vote.task.seed)).inclination_deg


def test_people_can_begin_early_and_their_votes_keep_the_set_they_were_given_on():
    early, late = client_of(make_volunteer(1)), client_of(make_volunteer(2))
    held = {}

    def begin(_done, _total, message):
        if message == "standards" and not held:
            held.update(voted=lease(early, "demo"), open=None)
            post(early, "votes/", vote_body(held["voted"]["id"], 59.5))
            held["open"] = lease(early, "demo")

    result = make_sky(begin)
    assert result == {"made": 98, "kept": 0, "campaign": "demo", "targets": 6, "standard_set": "demo v2"}
    assert post(early, "votes/", vote_body(held["open"]["id"], 71.5)).status_code == 201
    assert post(late, "votes/", vote_body(lease(late, "demo")["id"], 80.5)).status_code == 201
    votes = list(Vote.objects.select_related("target", "task", "standard_set").order_by("created_at"))
    assert [vote.standard_set.version for vote in votes] == [1, 1, 2]
    assert [replayed(vote) for vote in votes] == [vote.inclination_deg for vote in votes] == [59.5, 71.5, 80.5]
    check_that_the_sky_is_complete_and_open()


def check_that_the_sky_is_complete_and_open():
    campaign = Campaign.objects.select_related("standard_set").get(name="demo")
    assert (campaign.state, campaign.standard_set.version, campaign.targets.count()) == ("open", 2, 6)
    shown = set_standards(campaign.standard_set_id).shown
    assert {bin_deg: len(ids) for bin_deg, ids in shown.standard_ids.items()} == dict.fromkeys(range(45, 91), 2)
    assert sorted(GalaxyImage.objects.values_list("band", flat=True).distinct().order_by()) == ["g", "gri", "i", "r"]
    assert GalaxyImage.objects.count() == 98 * 4
    for truth in SyntheticTruth.objects.filter(galaxy__standards__standard_set=campaign.standard_set):
        assert truth.galaxy.standards.filter(inclination_deg=truth.inclination_deg).exists()


def test_a_second_run_changes_nothing_and_a_larger_one_only_adds():
    make_sky(per_bin=1)
    campaign_pause(campaign=Campaign.objects.get(name="demo"))
    before = everything()
    assert make_sky(per_bin=1) == {"made": 0, "kept": 52, "campaign": "demo", "targets": 6, "standard_set": "demo v1"}
    assert everything() == before
    larger = make_sky(per_bin=1, targets=8)
    assert (larger["made"], larger["kept"], larger["standard_set"]) == (2, 52, "demo v1")
    assert Target.objects.count() == 8
    assert Campaign.objects.get(name="demo").state == "paused"


def test_lost_picture_files_are_made_again_under_the_same_names(settings):
    make_sky(targets=2, per_bin=1)
    images = GalaxyImage.objects.filter(galaxy__pgc=FIRST_TARGET_PGC).order_by("pk")
    before = list(images.values())
    lost = [Path(settings.MEDIA_ROOT) / f"{image.stem}-{image.sizes_px[0]}.webp" for image in images]
    for path in lost:
        path.unlink()
    assert make_sky(targets=2, per_bin=1)["made"] == 1
    assert list(images.values()) == before
    assert all(path.exists() for path in lost)


def test_pictures_go_into_a_bucket_where_the_settings_name_one(store, use_bucket, settings):
    use_bucket()
    make_sky(targets=2, per_bin=1)
    names = {f"giz/{image.stem}-{size}.webp" for image in GalaxyImage.objects.all() for size in image.sizes_px}
    assert {one.key for one in store.objects.all()} == names
    assert not settings.MEDIA_ROOT.exists()
    assert make_sky(targets=2, per_bin=1)["made"] == 0


def test_an_interrupted_run_goes_on_where_it_was():
    def stop(done, _total, _message):
        if done == 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_sky(stop)
    interrupted = Job.objects.get()
    assert interrupted.state == Job.State.QUEUED
    stored = SyntheticTruth.objects.count()
    assert stored == 60
    result = make_sky()
    assert Job.objects.get().pk == interrupted.pk
    assert (result["made"], result["kept"], result["standard_set"]) == (38, 60, "demo v2")
    assert StandardSet.objects.count() == 2


def test_what_volunteers_see_tells_nothing_of_the_truth(alice_client):
    make_sky(targets=12, per_bin=1, first_targets=12)
    rejected = set(SyntheticTruth.objects.exclude(reject_reason="").values_list("galaxy_id", flat=True))
    assert rejected
    said = []
    for _number in range(4):
        task = lease(alice_client, "demo", held=[json.loads(text)["id"] for text in said])
        assert set(task["target"]) == {"label", "images", "sizes_px", "image_path"}
        said.append(json.dumps(task))
    set_document = alice_client.get(f"/api/v1/standard-sets/{task['standard_set']}/").content.decode()
    for text in [*said, set_document, alice_client.get("/api/v1/campaigns/demo/").content.decode()]:
        for word in ("synthetic", "truth", "reason", "seed", "pgc", "Sbc", "elliptical", "d25"):
            assert word not in text
    galaxies = Galaxy.objects.filter(pgc__gte=FIRST_TARGET_PGC).order_by("pgc")
    assert [galaxy.name for galaxy in galaxies] == [f"Demo {number}" for number in range(1, 13)]
    rows = GalaxyImage.objects.filter(galaxy__in=galaxies)
    assert len({(tuple(row.sizes_px), row.origin, row.source_name, len(row.stem)) for row in rows}) == 1
    assert {galaxy.morphological_type for galaxy in galaxies} == {""}
    assert {galaxy.axial_ratio for galaxy in galaxies} == {None}
    assert set(Target.objects.values_list("priority", "quota")) == {(5, 3)}


def test_nothing_that_volunteers_read_asks_for_the_truth():
    root = Path(__file__).resolve().parents[2]
    public = ("api.py", "serializers.py", "selectors.py", "leased_task.py", "views.py")
    files = [path for app in ("labeling", "standards", "giz") for path in (root / app).rglob("*.py")]
    readers = {path.relative_to(root).as_posix() for path in files if "SyntheticTruth" in path.read_text()}
    assert {path for path in readers if path.endswith(public) or "exports" in path} == {"giz/catalog/selectors.py"}


def test_another_sky_does_not_mix_with_the_one_that_stands():
    galaxy = Galaxy.objects.create(pgc=FIRST_SYNTHETIC_PGC)
    stands = {"size_px": 64, "sky_seed": 1}
    SyntheticTruth.objects.create(galaxy=galaxy, galaxy_type="Sab", seed=5, parameters=stands)
    with pytest.raises(Refused, match="was made with --size 64 --seed 1; one with --size 64 --seed 2 would mix"):
        demo_job(**{**SMALL, "seed": 2})
    assert demo_job(**SMALL).state == "queued"


def test_two_skies_are_not_made_at_once():
    waiting = demo_job(**SMALL)
    assert demo_job(**SMALL).pk == waiting.pk
    with pytest.raises(Refused, match="already being made"):
        demo_job(**{**SMALL, "targets": 7})


def test_a_campaign_of_somebody_else_with_that_name_is_left_alone():
    Campaign.objects.create(name="demo", title="Mine", standard_set=make_set("mine"))
    with pytest.raises(Refused, match="There is a campaign named 'demo' over the standard set mine v1"):
        demo_job(**SMALL)


def test_a_campaign_does_not_move_to_standards_that_can_not_fill_a_comparison():
    campaign = make_campaign()
    poor = make_set("poor", bins=range(45, 60), per_bin=1, first_pgc=600_000)
    with pytest.raises(Refused, match="too few standards"):
        campaign_use_set(campaign=campaign, standard_set=poor)
    with pytest.raises(Refused, match="is still a draft"):
        campaign_use_set(campaign=campaign, standard_set=StandardSet.objects.create(name="draft", version=1))
    campaign.refresh_from_db()
    assert campaign.standard_set.name == "ruler"


def run_command(*arguments):
    out = io.StringIO()
    call_command("demo", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_the_command_tells_what_it_made_and_where_to_label():
    said = run_command("--size", 128, "--targets", 1, "--per-bin", 1)
    assert "47 galaxies made, 0 there already" in said
    assert "1 galaxy to judge against demo v1" in said
    assert said.endswith("\nLabel them at /label/demo once the site is running (make run).\n")


def test_the_command_names_the_address_of_the_site_that_runs_or_the_public_one(settings, tmp_path, monkeypatch):
    settings.GIZ_HOME = tmp_path
    assert "Its progress: /staff/dashboard/ once the site is running" in run_command("--background")
    monkeypatch.setenv("SITE_URL", "https://giz.example.org")
    settings.SITE_URL = "https://giz.example.org"
    assert "Its progress: https://giz.example.org/staff/dashboard/\n" in run_command("--background")
    with only_site(Layout(tmp_path), "http://localhost:8123"):
        assert "Its progress: http://localhost:8123/staff/dashboard/\n" in run_command("--background")


def test_in_the_background_it_leaves_one_job_to_the_worker():
    said = run_command("--background")
    job = Job.objects.get()
    assert (job.kind, job.state) == ("demo", "queued")
    assert job.params == {"size_px": 256, "seed": DEFAULT_SEED, "per_bin": 4, "targets": 200, "first_targets": 12}
    assert str(job.id) in said
    run_command("--background")
    assert Job.objects.count() == 1


def test_without_a_broker_the_job_waits_for_the_sweeper(settings, monkeypatch):
    from kombu.exceptions import OperationalError

    from giz.core.tasks import wake_job

    def away(*_args, **_kwargs):
        raise OperationalError("no broker")

    monkeypatch.setattr(wake_job, "delay", away)
    assert "The worker of a running site will make the demo sky" in run_command("--background")
    assert Job.objects.get().state == "queued"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size", "300"], "invalid choice: 300"),
        (["--targets", "0"], "must be a whole number from 1 to 100000, not '0'"),
        (["--per-bin", "many"], "must be a whole number from 1 to 20, not 'many'"),
        (["--seed=-1"], "must be a whole number from 0 to 2147483647, not '-1'"),
    ],
)
def test_a_wrong_option_is_told_with_its_range(arguments, message):
    with pytest.raises(CommandError, match=message):
        run_command(*arguments)
