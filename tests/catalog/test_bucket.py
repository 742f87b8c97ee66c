"""Pictures in an S3-compatible bucket: the same addresses and bytes as from disk, and clear words when it is away."""

import io

import numpy as np
import pytest
from django.core.management.base import CommandError
from PIL import Image

from giz.catalog.models import Galaxy, GalaxyImage
from giz.catalog.services import image_store, shapes_measure
from giz.catalog.storage import IMAGE_PATH, display_names
from giz.core.checks import bucket_settings_belong_together
from giz.core.errors import Refused
from giz.imaging.decode import decode_picture
from tests.bucket import SECRET

from .conftest import spiral

pytestmark = pytest.mark.django_db


def picture(pgc=4):
    galaxy = Galaxy.objects.create(pgc=pgc)
    return image_store(galaxy=galaxy, band="g", pixels=decode_picture(spiral(), "grey"), origin="file")


def body(answer):
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_the_address_the_bytes_and_the_headers_are_those_of_a_picture_on_disk(store, use_bucket, client):
    on_disk = picture(4)
    address = IMAGE_PATH.format(stem=on_disk.stem, size=128)
    from_disk = client.get(address)
    use_bucket()
    in_bucket = picture(12)
    assert in_bucket.stem == on_disk.stem
    from_bucket = client.get(address)
    assert body(from_bucket) == body(from_disk)
    assert dict(from_bucket.headers) == dict(from_disk.headers)
    assert from_bucket["Cache-Control"] == "public, max-age=31536000, immutable"


def test_nothing_is_written_to_the_disk_and_the_bucket_may_serve_the_files_itself(store, use_bucket, settings):
    use_bucket()
    image = picture()
    assert not settings.MEDIA_ROOT.exists()
    files = {one.key: store.Object(one.key) for one in store.objects.all()}
    assert set(files) == {f"giz/{image.stem}-{size}.webp" for size in image.sizes_px}
    for file in files.values():
        assert file.content_type == "image/webp"
        assert file.cache_control == "public, max-age=31536000, immutable"


def test_a_folder_is_listed_by_one_request_and_a_bucket_that_is_away_is_told(store, use_bucket):
    use_bucket()
    image = picture()
    folder = image.stem.partition("/")[0]
    assert display_names(folder) == {f"{image.stem}-{size}.webp" for size in image.sizes_px}
    assert display_names("zz") == set()
    use_bucket(name="no-such-bucket")
    with pytest.raises(Refused, match=r"Pictures can't be listed: the bucket refuses \(NoSuchBucket\)"):
        display_names(folder)


def test_a_file_that_is_there_is_not_sent_again(store, use_bucket):
    use_bucket()
    picture(4)
    before = {one.key: one.last_modified for one in store.objects.all()}
    picture(12)
    assert {one.key: one.last_modified for one in store.objects.all()} == before


def test_a_folder_is_imported_measured_and_found_unchanged(store, use_bucket, run_command, tmp_path):
    use_bucket()
    y, x = ((axis - 127.5) / 60 for axis in np.mgrid[:256, :256])
    light = 255 * (1 - 2.7 ** -((x**2 + (y / 0.5) ** 2) ** 0.5 * 2))
    out = io.BytesIO()
    Image.fromarray(light.astype("uint8")).save(out, "PNG")
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "pgc4_d25x2_rot_r.png").write_bytes(out.getvalue())
    assert "1 new" in run_command("import_images", folder)
    (folder / "pgc12_d25x2_rot_r.png").write_bytes(spiral())
    assert "1 new, 0 replaced, 1 unchanged" in run_command("import_images", folder)
    counts = shapes_measure(numbers=[4], report=lambda _: None, after_galaxy=lambda *_: None)
    assert counts["measured"] == 1
    assert Galaxy.objects.get(pgc=4).shape.axial_ratio == pytest.approx(0.5, abs=0.08)


def test_a_picture_that_the_bucket_lost_is_not_found_and_is_made_again(
    store, use_bucket, client, run_command, pictures
):
    use_bucket()
    run_command("import_images", pictures)
    image = GalaxyImage.objects.filter(galaxy__pgc=4, band="g").get()
    store.objects.all().delete()
    assert client.get(f"/media/{image.stem}-128.webp").status_code == 404
    run_command("import_images", pictures)
    assert client.get(f"/media/{image.stem}-128.webp").status_code == 200


def test_a_server_that_is_away_is_told_to_people_and_programs_without_its_secrets(
    store, use_bucket, client, run_command, pictures, capsys
):
    use_bucket()
    image = picture(7)
    use_bucket(endpoint="http://127.0.0.1:9")
    answer = client.get(f"/media/{image.stem}-128.webp")
    assert (answer.status_code, answer["Cache-Control"], answer["Retry-After"]) == (503, "no-store", "10")
    with pytest.raises(CommandError) as caught:
        run_command("import_images", pictures)
    assert str(caught.value) == "Pictures can't be written: the bucket does not answer (EndpointConnectionError)."
    assert SECRET not in "".join(capsys.readouterr())


def test_a_bucket_that_does_not_exist_is_told_by_name_of_the_refusal(store, use_bucket, run_command, pictures):
    use_bucket(name="nobodys")
    with pytest.raises(CommandError, match=r"the bucket refuses \(NoSuchBucket\)"):
        run_command("import_images", pictures)


def test_half_of_the_settings_is_refused_with_a_hint(settings):
    assert bucket_settings_belong_together() == []
    settings.S3_ENDPOINT_URL, settings.S3_ACCESS_KEY_ID = "https://minio.example", "key"
    assert [problem.id for problem in bucket_settings_belong_together()] == ["giz.E003", "giz.E004"]
    settings.S3_BUCKET, settings.S3_SECRET_ACCESS_KEY = "galaxies", "secret"
    assert bucket_settings_belong_together() == []
