"""Renderers as child processes: they work inside a daemonic worker, and never outlive whoever started them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import billiard
import pytest

from giz.core.errors import Refused
from labeling.demo.plan import standard_recipes, target_recipes
from labeling.demo.renderers import Renderers

SIZE_PX = 64
BANDS = ["g", "gri", "i", "r"]


def is_alive(pid):
    """Whether a process runs still; one that ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def test_each_recipe_becomes_the_display_files_of_four_bands(tmp_path):
    recipes = standard_recipes(1, 1)[::20] + [recipe for recipe in target_recipes(1, 40) if recipe.reject_reason][:2]
    with Renderers(size_px=SIZE_PX, media=tmp_path, processes=2) as renderers:
        answers = {answer["pgc"]: answer for answer in renderers.render(recipes)}
    assert set(answers) == {recipe.pgc for recipe in recipes}
    for recipe in recipes:
        answer = answers[recipe.pgc]
        assert sorted(picture["band"] for picture in answer["pictures"]) == BANDS
        assert answer["reject_reason"] == recipe.reject_reason
        for picture in answer["pictures"]:
            for size in picture["sizes_px"]:
                assert (tmp_path / f"{picture['stem']}-{size}.webp").read_bytes()[8:12] == b"WEBP"


def test_the_same_recipe_is_the_same_picture_in_every_process(tmp_path):
    recipe = standard_recipes(1, 1)[20]
    with Renderers(size_px=SIZE_PX, media=tmp_path, processes=2) as renderers:
        first, second = renderers.render([recipe, recipe])
    assert first == second


def test_the_children_are_gone_afterwards_also_after_an_error(tmp_path):
    pids = []

    def fail_early():
        with Renderers(size_px=SIZE_PX, media=tmp_path, processes=2) as renderers:
            for _answer in renderers.render(standard_recipes(1, 1)):
                pids.extend(child.pid for child in renderers._children)
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_early()
    assert len(pids) == 2
    assert not any(map(is_alive, pids))


def test_no_process_is_started_for_nothing(tmp_path):
    with Renderers(size_px=SIZE_PX, media=tmp_path) as renderers:
        assert list(renderers.render([])) == []
        assert renderers._children == []


def test_a_renderer_that_is_killed_is_told_as_an_error(tmp_path):
    def kill_it():
        with Renderers(size_px=SIZE_PX, media=tmp_path, processes=1) as renderers:
            for _answer in renderers.render(standard_recipes(1, 1)[:20]):
                os.kill(renderers._children[0].pid, signal.SIGKILL)

    with pytest.raises(RuntimeError, match="ended before its answer"):
        kill_it()


def test_a_folder_that_can_not_be_written_is_one_clear_sentence(tmp_path):
    (tmp_path / "media").write_text("a file where the folder should be")
    with (
        pytest.raises(Refused, match="media can't be written"),
        Renderers(size_px=SIZE_PX, media=tmp_path / "media", processes=1) as renderers,
    ):
        list(renderers.render(standard_recipes(1, 1)[:1]))


def _render_to(path, media):
    with Renderers(size_px=SIZE_PX, media=media, processes=2) as renderers:
        path.write_text(json.dumps([answer["pgc"] for answer in renderers.render(standard_recipes(1, 1)[:3])]))


def test_they_work_inside_a_daemonic_process_of_celery(tmp_path):
    out = tmp_path / "answers.json"
    process = billiard.Process(target=_render_to, args=(out, tmp_path / "media"), daemon=True)
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert len(json.loads(out.read_text())) == 3


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_they_end_when_their_parent_is_killed_hard(tmp_path):
    script = f"""
import sys
from pathlib import Path
from labeling.demo.plan import standard_recipes
from labeling.demo.renderers import Renderers
with Renderers(size_px=256, media=Path({str(tmp_path)!r}), processes=2) as renderers:
    for answer in renderers.render(standard_recipes(1, 20)):
        print(*(child.pid for child in renderers._children), flush=True)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert all(map(is_alive, pids))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert wait_until(lambda: not any(map(is_alive, pids)))
