"""Storing one picture: files whole or not at all, one current picture a band, history kept."""

import os
import threading

import numpy as np
import pytest
from django.conf import settings
from django.db import connection

from giz.catalog.models import Galaxy, GalaxyImage
from giz.catalog.services import image_store
from giz.imaging.sizes import display_files, display_path, write_display_files


def pixels(seed=0, side=140):
    return np.random.default_rng(seed).integers(0, 255, (side, side), dtype=np.uint8)


@pytest.mark.django_db
def test_the_same_picture_again_is_the_same_row():
    galaxy = Galaxy.objects.create(pgc=4)
    first = image_store(galaxy=galaxy, band="g", pixels=pixels(), origin="synthetic")
    assert image_store(galaxy=galaxy, band="g", pixels=pixels(), origin="synthetic") == first
    assert first.sizes_px == [128, 256]


@pytest.mark.django_db
def test_a_picture_that_comes_back_is_a_new_row_of_the_history():
    galaxy = Galaxy.objects.create(pgc=4)
    for seed in (0, 1, 0):
        image_store(galaxy=galaxy, band="g", pixels=pixels(seed), origin="synthetic")
    rows = list(GalaxyImage.objects.order_by("id"))
    assert [row.is_current for row in rows] == [False, False, True]
    assert rows[0].stem == rows[2].stem != rows[1].stem


@pytest.mark.django_db(transaction=True)
def test_many_at_once_leave_exactly_one_current():
    galaxy = Galaxy.objects.create(pgc=4)
    errors = []

    def store(seed):
        try:
            image_store(galaxy=galaxy, band="g", pixels=pixels(seed), origin="synthetic")
        except Exception as error:  # noqa: BLE001 - whatever went wrong is shown below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=store, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert GalaxyImage.objects.count() == 6
    assert GalaxyImage.objects.filter(is_current=True).count() == 1


@pytest.mark.finding("fault F18")
def test_a_crash_while_writing_leaves_no_half_file(tmp_path, monkeypatch):
    made = display_files(pixels())

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_display_files(tmp_path, made)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_files_that_are_there_are_left_alone(tmp_path):
    made = display_files(pixels())
    write_display_files(tmp_path, made)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.webp")}
    write_display_files(tmp_path, made)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.webp")} == before
    assert len(before) == 2


@pytest.mark.django_db
def test_the_files_lie_under_their_stem():
    galaxy = Galaxy.objects.create(pgc=4)
    image = image_store(galaxy=galaxy, band="g", pixels=pixels(), origin="synthetic")
    for size in image.sizes_px:
        assert display_path(settings.MEDIA_ROOT, image.stem, size).read_bytes()[8:12] == b"WEBP"
