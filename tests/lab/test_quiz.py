"""The quiz "real or synthetic?": fair draws, nothing that gives the answer away, a score after each round."""

import json
import random
import uuid

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from giz.accounts.own_data import own_data
from giz.catalog.models import Galaxy, GalaxyImage, RealismTrial, SyntheticTruth
from giz.catalog.storage import display_files_write
from giz.core.errors import Refused
from giz.imaging.sizes import display_files
from tests.lab.quiz import person_named, serve_quiz
from tests.lab.quiz_trials import ROUND_TRIALS, quiz_score, trial_answer, trial_next
from tests.lab.shares import share_of, share_over_people, wilson
from tests.refusals import refuses

pytestmark = pytest.mark.django_db


def add_galaxies(first_pgc, count, *, is_synthetic=False, reject_reason="", side_px=256):
    """Galaxies with pictures in r and colour, all of them the same files."""
    galaxies = Galaxy.objects.bulk_create(
        Galaxy(pgc=first_pgc + number, is_synthetic=is_synthetic) for number in range(count)
    )
    if is_synthetic:
        truth = {"reject_reason": reject_reason, "galaxy_type": "Sbc"}
        SyntheticTruth.objects.bulk_create(SyntheticTruth(galaxy=one, seed=one.pgc, **truth) for one in galaxies)
    made = display_files(np.full((side_px, side_px), 200, np.uint8))
    display_files_write(made)
    facts = {"stem": made.stem, "sizes_px": sorted(made.files), "content_sha256": made.content_sha256}
    sides = {"source_width_px": side_px, "source_height_px": side_px}
    GalaxyImage.objects.bulk_create(
        GalaxyImage(galaxy=one, band=band, origin="test", **facts, **sides) for one in galaxies for band in ("r", "gri")
    )
    return {galaxy.pk for galaxy in galaxies}


@pytest.fixture
def sky():
    """Thirty real galaxies and as many synthetic ones."""
    add_galaxies(1, 30)
    add_galaxies(90_000_001, 30, is_synthetic=True)


def judge(person, count, *, is_right=lambda number: True, seed=1):
    """Answer pictures, right where the rule says so; the trials in their order."""
    rng, trials = random.Random(seed), []
    for number in range(count):
        trial = trial_next(person=person, rng=rng)
        other = {"real": "synthetic", "synthetic": "real"}[trial.truth]
        trial_answer(person=person, trial_id=trial.pk, said=trial.truth if is_right(number) else other)
        trials.append(trial)
    return trials


def test_a_coin_chooses_between_real_and_synthetic_and_a_galaxy_comes_once_to_a_person(sky, bob, alice):
    trials = judge(bob, 40)
    galaxies = [trial.image.galaxy_id for trial in trials]
    assert len(set(galaxies)) == 40
    assert {trial.image.band for trial in trials} == {"r", "gri"}
    assert 12 <= sum(trial.truth == "real" for trial in trials) <= 28
    judge(alice, 20)


def test_rejects_old_and_small_pictures_are_not_shown(sky, bob):
    old = add_galaxies(90_000_101, 10, is_synthetic=True)
    rejects = add_galaxies(90_000_201, 10, is_synthetic=True, reject_reason="faint")
    small = add_galaxies(201, 10, side_px=100)
    GalaxyImage.objects.filter(galaxy__in=old).update(is_current=False)
    seen = {trial.image.galaxy_id for trial in judge(bob, 40)}
    assert not seen & (old | rejects | small)


def test_a_picture_whose_file_got_lost_is_passed_over(sky, bob, settings):
    GalaxyImage.objects.filter(band="r").update(stem="ab/" + "0" * 26)
    trial = trial_next(person=bob)
    assert trial.image.band == "gri"
    GalaxyImage.objects.filter(pk=trial.image.pk).update(stem="ab/" + "0" * 26)
    assert trial_next(person=bob).pk != trial.pk
    GalaxyImage.objects.update(stem="ab/" + "0" * 26)
    with refuses("pictures_missing"):
        trial_next(person=bob)


def test_the_open_picture_stays_until_it_is_answered(sky, bob):
    first = trial_next(person=bob)
    assert trial_next(person=bob).pk == first.pk
    with pytest.raises(IntegrityError), transaction.atomic():
        RealismTrial.objects.create(person=bob, image=first.image, truth="real")


def test_the_same_answer_again_changes_nothing_and_another_one_is_refused(sky, bob, alice):
    trial = trial_next(person=bob)
    trial_answer(person=bob, trial_id=trial.pk, said="real")
    trial_answer(person=bob, trial_id=trial.pk, said="real")
    with refuses("answered"):
        trial_answer(person=bob, trial_id=trial.pk, said="synthetic")
    with refuses("no_trial"):
        trial_answer(person=alice, trial_id=trial.pk, said="real")
    assert RealismTrial.objects.get(pk=trial.pk).said == "real"


def test_the_score_tells_nothing_before_a_round_is_over(sky, bob):
    judge(bob, ROUND_TRIALS - 1)
    assert quiz_score().right.total == 0
    judge(bob, 1)
    score = quiz_score()
    assert (score.right.hits, score.right.total) == (ROUND_TRIALS, ROUND_TRIALS)


def test_the_test_ends_where_one_kind_is_used_up_and_counts_what_was_answered(bob):
    add_galaxies(1, 10)
    add_galaxies(90_000_001, 10, is_synthetic=True)
    rng, count = random.Random(3), 0
    while trial := trial_next(person=bob, rng=rng):
        trial_answer(person=bob, trial_id=trial.pk, said="real")
        count += 1
    assert 10 <= count < 20
    assert quiz_score().right.total == count


@pytest.mark.parametrize(("is_synthetic", "words"), [(False, "10 synthetic galaxies"), (True, "10 real galaxies")])
def test_a_catalogue_without_one_kind_says_what_to_do(is_synthetic, words, bob):
    add_galaxies(90_000_001 if is_synthetic else 1, 12, is_synthetic=is_synthetic)
    with pytest.raises(Refused, match=words):
        trial_next(person=bob)


# --- the figures ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("hits", "total", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)]
)
def test_the_interval_of_one_person_is_wilsons(hits, total, low, high):
    assert wilson(hits, total) == pytest.approx((low, high), abs=1e-4)


def test_the_interval_for_everybody_is_wider_where_people_differ_and_never_narrower_than_the_answers_allow():
    alike = share_over_people(dict.fromkeys(range(10), (50, 100)))
    apart = share_over_people({person: (90 if person % 2 else 10, 100) for person in range(10)})
    assert (alike.low, alike.high) == pytest.approx(wilson(500, 1000))
    assert alike.value == apart.value == 0.5
    assert apart.high - apart.low > 3 * (alike.high - alike.low)
    assert share_over_people({7: (12, 20)}) == share_of(12, 20)
    assert (share_over_people({}).low, share_over_people({}).high) == (0.0, 1.0)


def test_the_interval_for_everybody_holds_the_truth_about_as_often_as_it_says():
    """People whose skill differs by 10 %: ten of them, forty answers each, five hundred times."""
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(500):
        skill = np.clip(rng.normal(0.65, 0.10, 10), 0, 1)
        share = share_over_people({n: (int(rng.binomial(40, one)), 40) for n, one in enumerate(skill)})
        held += share.low <= 0.65 <= share.high
    assert held / 500 > 0.90


def test_each_kind_has_its_own_figure(sky, bob):
    judge(bob, 20, is_right=lambda number: number % 4 != 0)
    trials = RealismTrial.objects.all()
    score = quiz_score()
    assert score.right.hits == 15
    assert score.synthetic_for_real.hits == trials.filter(truth="synthetic", said="real").count()
    assert score.synthetic_for_real.total == trials.filter(truth="synthetic").count()
    assert score.real_for_real.hits == trials.filter(truth="real", said="real").count()
    assert score.real_for_real.total + score.synthetic_for_real.total == 20
    assert [person for person, _ in score.people] == [bob.pk]


# --- the page -------------------------------------------------------------------------------------------------------
@pytest.fixture
def page(bob, settings):
    """The quiz as it is served to bob, on this machine."""
    serve_quiz(settings, bob)
    return Client(HTTP_HOST="127.0.0.1:8765")


def start(page):
    return json.loads(page.post("/next/").content)


def test_nothing_that_reaches_the_browser_tells_the_two_kinds_apart(sky, page):
    headers, texts = {"real": set(), "synthetic": set()}, []
    for _ in range(12):
        told = start(page)
        trial = RealismTrial.objects.get(pk=told["trial"])
        picture = page.get(told["picture"])
        assert picture.content[:4] == b"RIFF"
        # The time of a file would tell.
        assert "Last-Modified" not in picture
        headers[trial.truth].add(tuple(sorted(pair for pair in picture.headers.items() if pair[0] != "Content-Length")))
        texts.append(json.dumps(told) + str(page.get("/").content))
        assert trial.image.stem not in texts[-1]
        page.post("/answer/", {"trial": trial.pk, "said": "real"})
    assert headers["real"] == headers["synthetic"]
    assert len(headers["real"]) == 1
    assert "no-store" in dict(next(iter(headers["real"])))["Cache-Control"]
    assert set(told) == {"trial", "picture"}
    assert not any("last round" in text or "taken for real" in text for text in texts)


def test_the_last_answer_of_a_round_leads_to_the_score_and_the_wall(sky, bob, page):
    judge(bob, ROUND_TRIALS - 1, is_right=lambda number: number > 3)
    told = start(page)
    trial = RealismTrial.objects.get(pk=told["trial"])
    answer = page.post("/answer/", {"trial": trial.pk, "said": trial.truth})
    assert json.loads(answer.content) == {"trial": None, "picture": None}
    text = page.get("/").content.decode()
    assert text.count('<li class="wrong">') == 4
    assert text.count('<li class="right">') == 16
    assert "16 of 20" in text
    assert "One person so far" in text


@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        ({"said": "both"}, 400, "bad_answer"),
        ({"trial": "x", "said": "real"}, 404, "no_trial"),
        ({"trial": str(uuid.uuid4()), "said": "real"}, 404, "no_trial"),
    ],
)
def test_strange_answers_are_refused(values, status, code, sky, page):
    answer = page.post("/answer/", values)
    assert (answer.status_code, json.loads(answer.content)["code"]) == (status, code)


def test_other_pages_in_the_browser_can_neither_ask_nor_answer(sky, page):
    stranger = Client(enforce_csrf_checks=True, HTTP_HOST="127.0.0.1:8765")
    assert stranger.post("/next/").status_code == stranger.post("/answer/", {"said": "real"}).status_code == 403
    assert page.get("/next/").status_code == 405
    assert page.get("/", headers={"host": "elsewhere.example"}).status_code == 400
    assert not RealismTrial.objects.exists()


def test_another_person_does_not_see_the_picture(sky, alice, page):
    trial = trial_next(person=alice)
    assert page.get(f"/{trial.pk}.webp").status_code == 404


def test_a_person_is_named_by_address_or_number_and_an_unknown_one_is_refused(bob):
    assert person_named(bob.email.upper()) == person_named(str(bob.volunteer_number)) == bob
    with pytest.raises(Refused) as refused:
        person_named("nobody@example.org")
    assert refused.value.code == "no_person"


def test_the_site_has_no_page_of_the_quiz_but_gives_people_their_answers(sky, bob, bob_client):
    judge(bob, 1)
    assert bob_client.get("/staff/catalog/realismtrial/test/").status_code == 404
    rows = json.loads("".join(own_data(bob)))["realism_trials"]
    assert [row["said"] for row in rows] == list(RealismTrial.objects.values_list("said", flat=True))
