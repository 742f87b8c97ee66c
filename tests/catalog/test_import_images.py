"""manage.py import_images: pictures in, each once; what can't be used is told; a kill loses nothing."""

import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.core.management.base import CommandError
from PIL import Image

from giz.catalog.models import Galaxy, GalaxyImage
from giz.core.models import Job, JobLogLine
from giz.imaging import decoder
from giz.imaging.sizes import display_path
from tests.catalog.fetched import start_command

from .conftest import spiral

pytestmark = pytest.mark.django_db(transaction=True)
REPOSITORY = Path(__file__).resolve().parents[2]


def told():
    return list(JobLogLine.objects.values_list("text", flat=True))


def files():
    return sorted(str(path.relative_to(settings.MEDIA_ROOT)) for path in Path(settings.MEDIA_ROOT).rglob("*.*"))


def state():
    rows = GalaxyImage.objects.values_list("galaxy__pgc", "band", "stem", "sizes_px", "origin", "is_current")
    return sorted(rows), files()


def test_every_band_gets_its_files_and_galaxies_are_created(pictures, run_command):
    assert "8 new, 0 replaced, 0 unchanged; 0 damaged, 0 files not used; 2 galaxies" in run_command(
        "import_images", pictures
    )
    assert sorted(Galaxy.objects.values_list("pgc", flat=True)) == [4, 12]
    for image in GalaxyImage.objects.all():
        assert image.sizes_px == [128]
        assert (image.source_width_px, image.source_height_px, image.origin) == (96, 96, "file")
        assert display_path(settings.MEDIA_ROOT, image.stem, 128).stat().st_size > 100
    assert len(files()) == 8


def test_the_same_folder_again_changes_nothing(pictures, run_command):
    run_command("import_images", pictures)
    before = state()
    assert "0 new, 0 replaced, 8 unchanged" in run_command("import_images", pictures)
    assert state() == before


def test_a_new_version_replaces_the_current_one_and_keeps_it_as_history(pictures, run_command):
    run_command("import_images", pictures)
    (pictures / "pgc4_d25x2_rot_g.png").write_bytes(spiral(seed=99))
    assert "0 new, 1 replaced, 7 unchanged" in run_command("import_images", pictures)
    versions = GalaxyImage.objects.filter(galaxy__pgc=4, band="g").order_by("id")
    assert [image.is_current for image in versions] == [False, True]
    assert all(display_path(settings.MEDIA_ROOT, image.stem, 128).exists() for image in versions)


def test_files_that_got_lost_are_made_again(pictures, run_command):
    run_command("import_images", pictures)
    before = state()
    shutil.rmtree(settings.MEDIA_ROOT)
    assert "0 new, 0 replaced, 8 unchanged" in run_command("import_images", pictures)
    assert state() == before


def test_what_cannot_be_used_is_told_with_the_reason(pictures, run_command):
    (pictures / "pgc4_d25x2_rot_r.png").write_bytes(spiral(seed=5)[:300])
    (pictures / "pgc12_d25x2_rot_i.png").unlink()
    (pictures / "pgc7_d25x2_rot_g.png").write_bytes(b"GIF89a" + b"\0" * 50)
    (pictures / "pgc4_64x64_F.g.jpg").write_bytes(b"")
    (pictures / "read\x1b[31mme.txt").write_text("hello")
    (pictures / ".DS_Store").write_text("")
    printed = run_command("import_images", pictures)
    assert "6 new, 0 replaced, 0 unchanged; 2 damaged, 2 files not used; 2 galaxies" in printed
    words = "\n".join(told())
    assert "pgc4_d25x2_rot_r.png: The picture is damaged or cut off" in words
    assert "pgc7_d25x2_rot_g.png: The content is not PNG or JPEG" in words
    assert "pgc4_64x64_F.g.jpg: a training copy" in words
    assert "read?[31mme.txt: the name is not understood" in words
    assert "no i picture here: PGC 7, 12" in words
    assert not Galaxy.objects.filter(pgc=7).exists()


@pytest.mark.finding("data 16")
def test_blank_pictures_are_no_pictures_and_are_named(pictures, run_command):
    for name, value in (("pgc30_d25x2_rot_r.png", 0), ("pgc30_d25x2_rot_gri.png", 255), ("pgc31_d25x2_rot_g.jpg", 90)):
        Image.new("RGB" if "gri" in name else "L", (64, 64), value if "gri" not in name else (value,) * 3).save(
            pictures / name
        )
    assert "8 new, 0 replaced, 0 unchanged; 3 damaged" in run_command("import_images", pictures)
    words = "\n".join(told())
    assert all(name in words for name in ("pgc30_d25x2_rot_r.png", "pgc30_d25x2_rot_gri.png", "pgc31_d25x2_rot_g.jpg"))
    assert not Galaxy.objects.filter(pgc__in=(30, 31)).exists()


@pytest.mark.finding("data 13")
def test_sixteen_bit_pictures_of_low_counts_are_scaled_or_refused(pictures, run_command):
    counts = np.linspace(0, 4095, 96 * 96).reshape(96, 96).astype(np.uint16)
    Image.fromarray(counts).save(pictures / "pgc30_d25x2_rot_r.png")
    Image.fromarray(counts // 128).save(pictures / "pgc31_d25x2_rot_r.png")
    assert "9 new, 0 replaced, 0 unchanged; 1 damaged" in run_command("import_images", pictures)
    assert "pgc31_d25x2_rot_r.png" in "\n".join(told())
    shown = Image.open(display_path(settings.MEDIA_ROOT, GalaxyImage.objects.get(galaxy__pgc=30).stem, 128))
    assert np.ptp(np.asarray(shown.convert("L"))) > 200


@pytest.mark.finding("security S1", "security S7")
def test_a_picture_that_kills_its_decoder_is_one_damaged_file(pictures, run_command, monkeypatch):
    crash = "child.RUNNERS['picture'] = lambda file, scratch, job: __import__('os').abort(); main = child.main; "
    start = decoder._START.replace("from giz.imaging.child import main; ", f"from giz.imaging import child; {crash}")
    decoder.decoder_stop()
    with monkeypatch.context() as patch:
        patch.setattr(decoder, "_START", start)
        run_command("import_images", pictures)
        decoder.decoder_stop()
    assert len([line for line in told() if "can't be decoded" in line]) == 8
    Job.objects.all().delete()
    assert "8 new" in run_command("import_images", pictures)


@pytest.mark.finding("ux D25")
def test_spare_copies_that_were_not_needed_are_counted_and_listed(pictures, run_command):
    colour = (pictures / "pgc4_d25x2_rot_gri.jpg").read_bytes()
    (pictures / "pgc4_d25x2_rot_gri.sdss.jpg").write_bytes(colour)
    printed = run_command("import_images", pictures)
    assert "8 new, 0 replaced, 0 unchanged; 0 damaged, 0 files not used (1 spare copy left aside); 2" in printed
    assert "Spare copies serve only where the plain picture is damaged: pgc4_d25x2_rot_gri.sdss.jpg." in printed
    (pictures / "pgc4_d25x2_rot_gri.jpg").write_bytes(colour[:200])
    assert "1 damaged, 0 files not used; " in run_command("import_images", pictures), "now it serves"


def test_the_surveys_copy_serves_only_where_the_plain_colour_picture_is_damaged(pictures, run_command):
    (pictures / "pgc4_d25x2_rot_gri.sdss.jpg").write_bytes(spiral(seed=70, colour=True, form="JPEG"))
    (pictures / "pgc12_d25x2_rot_gri.sdss.jpg").write_bytes(spiral(seed=71, colour=True, form="JPEG"))
    (pictures / "pgc12_d25x2_rot_gri.jpg").write_bytes(b"\xff\xd8\xff")
    run_command("import_images", pictures)
    origins = GalaxyImage.objects.filter(band="gri").values_list("galaxy__pgc", "origin")
    assert dict(origins) == {4: "file", 12: "sdss"}


def test_one_file_used_in_two_bands_is_stored_once_for_each_kind(pictures, run_command):
    same = spiral(seed=1, colour=True)
    for name in ("pgc20_d25x2_rot_g.png", "pgc20_d25x2_rot_r.png", "pgc20_d25x2_rot_gri.jpg"):
        (pictures / name).write_bytes(same)
    run_command("import_images", pictures)
    stems = dict(GalaxyImage.objects.filter(galaxy__pgc=20).values_list("band", "stem"))
    assert stems["g"] == stems["r"] != stems["gri"]


def test_folders_that_are_none_are_told_in_words(pictures, tmp_path, run_command):
    (tmp_path / "empty").mkdir()
    for folder, words in (
        (tmp_path / "picture", r"Did you mean .*pictures\?"),
        (tmp_path / "empty", "contains no files"),
        (pictures / "pgc4_d25x2_rot_g.png", "is a file; a folder is needed"),
    ):
        with pytest.raises(CommandError, match=words):
            run_command("import_images", folder)


def test_killed_in_the_middle_and_run_again_it_ends_with_the_same_result(tmp_path, run_command, settings):
    folder = tmp_path / "many"
    folder.mkdir()
    for pgc in range(1, 41):
        (folder / f"pgc{pgc}_d25x2_rot_g.png").write_bytes(spiral(200, seed=pgc))
    run_command("import_images", folder)
    expected = state()
    GalaxyImage.objects.all().delete()
    Galaxy.objects.all().delete()
    Job.objects.all().delete()
    shutil.rmtree(settings.MEDIA_ROOT)

    process = start_command(settings, "import_images", folder)
    deadline = time.monotonic() + 60
    while GalaxyImage.objects.count() < 5:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    stored = GalaxyImage.objects.count()
    assert 5 <= stored < 40
    Job.objects.update(lease_until="2000-01-01T00:00:00Z")  # as if a minute had gone by

    job = Job.objects.get()
    assert job.checkpoint["groups"] == stored
    assert "40 new, 0 replaced, 0 unchanged" in run_command("import_images", folder)
    assert Job.objects.get().attempt == 2
    rows, names = state()
    assert rows == expected[0]
    assert [name for name in names if not name.endswith(".part")] == expected[1]


@pytest.mark.real_data
@pytest.mark.slow
def test_the_real_galaxies_are_imported_with_what_they_lack_told(real_data, run_command):
    assert "90 new, 0 replaced, 0 unchanged; 0 damaged, 0 files not used" in run_command(
        "import_images", real_data / "galaxies"
    )
    assert told() == ["no gri picture here: PGC 30197, 71047"]
    assert GalaxyImage.objects.filter(sizes_px=[128, 256, 512]).count() == 90
