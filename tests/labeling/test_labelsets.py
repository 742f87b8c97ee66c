"""Freezing labels: one moment, the same bytes, resumed with the same labels, never changed, for staff to download."""

import io
import json
import shutil
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from giz.catalog.models import GalaxyImage
from giz.catalog.services import image_store
from giz.catalog.storage import StorageError
from giz.core.jobs import run_job
from giz.core.models import Job
from giz.labelset import LabelSet as FrozenSet
from labeling.jobs import labels_freeze_job
from labeling.models import Campaign, Consensus, LabelSet, Target
from labeling.services import labelsets
from labeling.services.labelsets import labels_as_of, labelset_freeze, labelset_root
from labeling.tasks import freeze_new_labels
from tests.catalog.silence import no_answer
from tests.labeling.sky import make_campaign
from tests.labeling.test_export_formats import judged
from tests.labelset.sets import contents
from tests.refusals import refuses

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, settings: Any) -> None:
    settings.GIZ_HOME = tmp_path / "home"


@pytest.fixture
def campaign() -> Campaign:
    campaign = make_campaign(targets=10)
    judged(campaign)
    GalaxyImage.objects.all().delete()
    rng = np.random.default_rng(1)
    for target in Target.objects.filter(campaign=campaign).select_related("galaxy"):
        for band in ("g", "gri"):
            shape = (128, 128, 3) if band == "gri" else (128, 128)
            pixels = rng.integers(0, 256, shape, np.uint8)
            image_store(galaxy=target.galaxy, band=band, pixels=pixels, origin="test")
    return campaign


def freeze(campaign: Campaign, **options: Any) -> LabelSet:
    return labelset_freeze(campaign=campaign, as_of=labels_as_of(campaign, "median"), **options)


def test_a_frozen_set_holds_labels_and_pictures(campaign: Campaign) -> None:
    made = freeze(campaign)
    read = FrozenSet.open(labelset_root() / made.name, verify="full")
    assert read.column("verdict").tolist() == ["A", "A", "F", "J", "split"] * 2
    assert read.column("reasons")[2] == "[bad_TF] [disturbed]"
    assert read.column("inc")[0] == 60
    assert read.has_image("g").all()
    assert not read.has_image("r").any()
    assert read.image(0, "gri").shape == (128, 128, 3)
    assert made.digest == read.manifest["digest"]
    assert read.manifest["versions"]["standard_set"]["digest"] == campaign.standard_set.digest
    assert (made.galaxy_count, made.size_px) == (10, 128)


def test_the_same_labels_are_the_same_set_and_later_votes_make_another(campaign: Campaign) -> None:
    first = freeze(campaign)
    assert freeze(campaign) == first
    moment = labels_as_of(campaign, "median")
    before = dict(contents(labelset_root() / first.name))
    current = Consensus.objects.filter(target__campaign=campaign).order_by("target__galaxy__pgc").first()
    assert current is not None
    Consensus.objects.filter(pk=current.pk).update(is_current=False)
    current.pk, current.inclination_deg = None, 45.0
    current.save()
    assert freeze(campaign) != first
    # The earlier moment can be frozen again, to the same bytes, although the label has changed since.
    again = labelset_root() / "again"
    labelsets.labelset_write(campaign=campaign, estimator="median", as_of=moment, size_px=128, folder=again)
    assert dict(contents(again)) == before


def test_pictures_come_in_a_smaller_size_and_a_damaged_one_is_left_out_and_told(campaign: Campaign) -> None:
    image = GalaxyImage.objects.filter(band="g").order_by("galaxy__pgc").first()
    assert image is not None
    from django.conf import settings

    (Path(settings.MEDIA_ROOT) / f"{image.stem}-128.webp").write_bytes(b"RIFF broken")
    said: list[str] = []
    made = freeze(campaign, size_px=64, report=said.extend)
    read = FrozenSet.open(labelset_root() / made.name)
    assert read.image(1, "g").shape == (64, 64)
    assert not read.has_image("g")[0]
    assert [line.split(":")[0] for line in said] == [f"PGC {image.galaxy.pgc} g"]


def test_while_the_storage_does_not_answer_no_set_is_made(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as silent:
        silent.setattr(labelsets, "display_file_read", no_answer)
        with pytest.raises(StorageError, match="SlowDown"):
            freeze(campaign, size_px=64)
    assert not LabelSet.objects.exists()
    made = freeze(campaign, size_px=64)
    assert FrozenSet.open(labelset_root() / made.name).has_image("g").all()


def test_labels_alone_make_a_set(campaign: Campaign) -> None:
    made = freeze(campaign, size_px=None)
    assert FrozenSet.open(labelset_root() / made.name).bands == ()


def test_an_interrupted_job_goes_on_with_the_labels_it_began_with(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelsets, "CHUNK_GALAXIES", 2)
    monkeypatch.setattr(labelsets, "SHARD_GALAXIES", 2)
    job = labels_freeze_job(campaign=campaign)
    whole = labelsets._chunks

    def interrupted(*args: Any, **kwargs: Any) -> Iterator[Any]:
        chunks = whole(*args, **kwargs)
        yield next(chunks)
        yield next(chunks)
        raise KeyboardInterrupt

    monkeypatch.setattr(labelsets, "_chunks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_job(job)
    began_with = Job.objects.get(pk=job.pk).checkpoint["as_of"]
    newer = Consensus.objects.filter(target__campaign=campaign).first()
    assert newer is not None
    Consensus.objects.filter(pk=newer.pk).update(is_current=False)
    newer.pk = None
    newer.save()
    heard: list[Any] = []

    def resumed(*args: Any, **kwargs: Any) -> Iterator[Any]:
        heard.append(kwargs["after"])
        return whole(*args, **kwargs)

    monkeypatch.setattr(labelsets, "_chunks", resumed)
    done = run_job(Job.objects.get(pk=job.pk))
    made = LabelSet.objects.get(name=done.result["label_set"])
    assert heard == [1003]
    assert made.as_of == began_with
    assert made.galaxy_count == 10


def test_a_label_set_row_can_not_be_changed_or_deleted(campaign: Campaign) -> None:
    made = freeze(campaign, size_px=None)
    for change in (lambda: LabelSet.objects.update(digest="0"), made.delete):
        with pytest.raises(DatabaseError, match="is frozen and can not be changed"), transaction.atomic():
            change()


@pytest.mark.finding("abuse A17")
def test_staff_download_the_whole_set_and_nobody_else_does(
    campaign: Campaign, alice_client: Client, bob_client: Client, client: Client
) -> None:
    made = freeze(campaign)
    address = reverse("admin:labeling_labelset_download", args=[made.pk])
    answer = bob_client.get(address)
    data = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert int(answer.headers["Content-Length"]) == len(data)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = {name: archive.extractfile(name).read() for name in archive.getnames()}  # type: ignore[union-attr]
    folder = labelset_root() / made.name
    assert found == {f"{made.name}/{name}": content for name, content in contents(folder)}
    for stranger in (client, alice_client):
        assert stranger.get(address).status_code in (302, 403, 404)
    assert bob_client.get(address.replace(f"/{made.pk}/", "/999999/")).status_code == 404


def test_the_button_of_the_campaign_starts_the_job(campaign: Campaign, bob_client: Client) -> None:
    page = reverse("admin:labeling_campaign_change", args=[campaign.pk])
    answer = bob_client.post(page.replace("/change/", "/press/freeze/"), follow=True)
    assert "are being frozen" in answer.content.decode()
    job = Job.objects.get(kind="freeze_labels")
    assert job.params == {"campaign": "sky", "size_px": 128}


def test_the_commands_say_what_they_made_and_answer_mistakes(
    campaign: Campaign, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("freeze_labels", campaign="sky", size=64)
    first = capsys.readouterr().out
    assert "10 galaxies" in first
    assert "already exists" not in first
    call_command("freeze_labels", campaign="sky", size=64)
    assert capsys.readouterr().out.startswith(first)
    assert LabelSet.objects.count() == 1
    call_command("freeze_labels", campaign="sky", size=64)
    assert "It already exists" in capsys.readouterr().out
    with refuses("bad_size", "64, 128, 256, 512", "100"):
        call_command("freeze_labels", campaign="sky", size=100)
    with refuses("no_campaign", "sku"):
        call_command("freeze_labels", campaign="sku")


def test_pictures_larger_than_any_galaxy_has_are_refused(campaign: Campaign, tmp_path: Path) -> None:
    with refuses("no_pictures", "512"):
        call_command("freeze_labels", campaign="sky", size=512)
    with refuses("no_pictures", "512"):
        call_command("export_labels", campaign="sky", format_name="npz", size=512, out=str(tmp_path / "a.npz"))
    assert not Job.objects.filter(kind__in=["freeze_labels", "export_labels"]).exists()


def test_a_campaign_without_votes_has_nothing_to_freeze() -> None:
    make_campaign(targets=1)
    with refuses("no_labels"):
        call_command("freeze_labels", campaign="sky")


@pytest.mark.parametrize("format_name", ["npz", "folder"])
def test_pictures_are_exported_with_a_manifest_and_nothing_else_stays(
    campaign: Campaign, tmp_path: Path, capsys: pytest.CaptureFixture[str], format_name: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    call_command("export_labels", campaign="sky", format_name=format_name, out=str(out / "pictures"))
    assert "20 pictures of 10 galaxies.\n" in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {"pictures", "pictures.manifest.json"}
    if format_name == "npz":
        with np.load(out / "pictures", allow_pickle=False) as archive:
            assert archive["images"].shape == (20, 128, 128, 3)
            assert set(archive["filter"]) == {"c", "g"}
    else:
        names = sorted(path.name for path in (out / "pictures").rglob("*.jpg"))
        assert len(names) == 20
        assert "pgc1000_128x128_60.g.jpg" in names
    with refuses("file_exists"):
        call_command("export_labels", campaign="sky", format_name=format_name, out=str(out / "pictures"))


@pytest.mark.finding("ux D25")
@pytest.mark.parametrize("format_name", ["npz", "folder"])
def test_galaxies_without_a_picture_are_not_counted_as_exported(
    campaign: Campaign, tmp_path: Path, capsys: pytest.CaptureFixture[str], format_name: str
) -> None:
    GalaxyImage.objects.filter(galaxy__pgc__gte=1004).update(is_current=False)
    call_command("export_labels", campaign="sky", format_name=format_name, out=str(tmp_path / "pictures"))
    said = capsys.readouterr().out
    assert "8 pictures of 4 galaxies. 6 galaxies more have a label, but no picture of 128 px or more" in said
    counts = json.loads((tmp_path / "pictures.manifest.json").read_text())["counts"]
    assert (counts["pictured"], counts["pictures"]) == (4, 8)


def test_a_folder_of_pictures_is_never_overwritten(campaign: Campaign, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    with refuses("file_exists"):
        call_command("export_labels", campaign="sky", format_name="folder", out=str(tmp_path / "pictures"), force=True)
    assert not list((tmp_path / "pictures").iterdir())


def test_the_schedule_freezes_once_enough_galaxies_were_finished_since_the_last_set(campaign: Campaign) -> None:
    done = Target.objects.filter(campaign=campaign).values_list("pk", flat=True)[:4]
    Target.objects.filter(pk__in=list(done)).update(state=Target.State.RETIRED, retired_at=Now())
    settings_of_row = {"campaigns": [campaign.name], "size_px": 64}
    assert freeze_new_labels(**settings_of_row, least_new_labels=5) == {campaign.name: 4}
    assert not Job.objects.exists()
    assert freeze_new_labels(**settings_of_row, least_new_labels=4) == {campaign.name: 4}
    assert freeze_new_labels(**settings_of_row, least_new_labels=4) == {campaign.name: 4}
    run_job(Job.objects.get(), on_progress=None)
    assert LabelSet.objects.get().size_px == 64
    assert freeze_new_labels(**settings_of_row, least_new_labels=1) == {campaign.name: 0}
    assert Job.objects.count() == 1


def test_the_schedule_does_nothing_without_a_campaign_and_passes_over_wrong_ones(campaign: Campaign) -> None:
    Target.objects.filter(campaign=campaign).update(retired_at=Now(), state=Target.State.RETIRED)
    assert freeze_new_labels() == {}
    assert freeze_new_labels(campaigns=["nowhere", campaign.name], least_new_labels=1) == {campaign.name: 10}
    assert freeze_new_labels(campaigns=[campaign.name], least_new_labels=1, size_px=100) == {campaign.name: 10}
    assert [job.params["size_px"] for job in Job.objects.all()] == [128]


# --- sets whose folder is gone, and moments ---------------------------------------------------------------------------
def _lose(folder: Path, how: str) -> None:
    labels = folder / "labels.parquet"
    if how == "gone":
        shutil.rmtree(folder)
    elif how == "a file is missing":
        labels.unlink()
    else:
        content = bytearray(labels.read_bytes())
        content[len(content) // 2] ^= 1
        labels.write_bytes(bytes(content))


@pytest.mark.finding("flow F11")
@pytest.mark.parametrize("how", ["gone", "a file is missing", "a bit has flipped"])
def test_a_set_whose_folder_is_not_whole_is_made_again(
    campaign: Campaign, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    call_command("freeze_labels", campaign="sky", size=64)
    made = LabelSet.objects.get()
    folder = labelset_root() / made.name
    before = dict(contents(folder))
    _lose(folder, how)
    capsys.readouterr()
    call_command("freeze_labels", campaign="sky", size=64)
    said = capsys.readouterr().out
    assert "written again" in said
    assert "already exists" not in said
    assert dict(contents(folder)) == before
    assert LabelSet.objects.get() == made, "the same set, no second row"


@pytest.mark.finding("flow F11")
def test_labels_that_can_not_come_out_the_same_become_a_set_of_their_own(campaign: Campaign) -> None:
    first = freeze(campaign, size_px=64)
    shutil.rmtree(labelset_root() / first.name)
    changed = GalaxyImage.objects.filter(band="g").order_by("galaxy__pgc").first()
    assert changed is not None
    image_store(galaxy=changed.galaxy, band="g", pixels=np.zeros((128, 128), np.uint8), origin="test")
    for _again in range(2):
        second = freeze(campaign, size_px=64)
        assert second.name == f"{first.name}-{second.digest[:8]}"
        assert FrozenSet.open(labelset_root() / second.name, verify="full").manifest["digest"] == second.digest
    assert second.digest != first.digest
    assert LabelSet.objects.count() == 2
    assert [path.name for path in labelset_root().iterdir()] == [second.name]


@pytest.mark.finding("review 11")
def test_the_moment_waits_for_consensuses_that_are_still_being_written(campaign: Campaign) -> None:
    """Numbers are given before a transaction ends: a smaller one may become visible after a larger one."""
    one, two = Target.objects.filter(campaign=campaign).order_by("pk")[:2]
    begun, may_end = threading.Event(), threading.Event()

    def replace(target: Target, inclination_deg: float) -> int:
        newest = Consensus.objects.filter(target=target, estimator="median").latest("pk")
        Consensus.objects.filter(pk=newest.pk).update(is_current=False)
        newest.pk, newest.inclination_deg, newest.is_current = None, inclination_deg, True
        newest.save()
        return newest.pk

    found: dict[str, int] = {}

    def slow_writer() -> None:
        with transaction.atomic():
            found["slow"] = replace(one, 51.0)
            begun.set()
            may_end.wait(30)
        connection.close()

    def moment() -> None:
        found["as_of"] = labels_as_of(campaign, "median")
        connection.close()

    writer, reader = threading.Thread(target=slow_writer), threading.Thread(target=moment)
    writer.start()
    assert begun.wait(30)
    found["quick"] = replace(two, 52.0)
    assert found["slow"] < found["quick"]
    reader.start()
    reader.join(1)
    waited = reader.is_alive()
    may_end.set()
    writer.join(30)
    reader.join(30)
    assert waited, "the smaller number is not there yet"
    assert found["as_of"] == found["quick"]
    first, again = labelset_root() / "first", labelset_root() / "again"
    labelset_root().mkdir(parents=True, exist_ok=True)
    for folder in (first, again):
        labelsets.labelset_write(
            campaign=campaign, estimator="median", as_of=found["as_of"], size_px=None, folder=folder
        )
    assert dict(contents(first)) == dict(contents(again))
    assert FrozenSet.open(first).column("inclination_deg")[:2].tolist() == [51.0, 52.0]
