"""Log files of the parts, also where they can't be written."""

from pathlib import Path

import pytest

from giz.embedded.logs import PartLog


@pytest.mark.finding("fault F13", "flow F14")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_in_one_sentence_and_again_after_it_had_room(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = PartLog(tmp_path, "web")
    log.path.symlink_to("/dev/full")
    for number in range(100):
        log.write(f"line {number}")
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert said.count("\n") == 1
    assert str(log.path) in said
    log.close()
    log.path.unlink()
    log.write("there is room again")
    assert "there is room again" in log.path.read_text()
    assert capfd.readouterr().err == ""
    log.close()
