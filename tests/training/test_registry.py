"""The registry: what answers is a history that only grows; files are checked; what ships comes forward once."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.db.models.signals import post_migrate

from giz.core.errors import Refused
from giz.core.models import AuditEvent
from giz.training.apps import register_shipped
from giz.training.models import ModelVersion, Promotion
from giz.training.selectors import answering_models, served_before, served_model, served_stack
from giz.training.services import registry
from giz.training.services.registry import model_promote, model_register, model_rollback, shipped_register
from giz.training.storage import model_path, models_folder
from tests.refusals import refuses

Make = Callable[..., ModelVersion]


@pytest.fixture(autouse=True)
def _home(settings: Any, tmp_path: Path) -> None:
    settings.GIZ_HOME = tmp_path / "home"


@pytest.fixture
def make(db: None, tmp_path: Path) -> Make:
    """A registered version of any bytes: the registry looks at checksums, not inside."""

    def registered(words: str, network: str = "ours", **card: Any) -> ModelVersion:
        file = tmp_path / f"{words}.onnx"
        file.write_bytes(words.encode())
        return model_register(file, card={"network": network, **card}, report={}, is_shipped=words == "older")

    return registered


@pytest.fixture
def shipped(model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, db: None) -> Path:
    """A network that came with GIZ, in a place of its own."""
    file = tmp_path / "shipped.onnx"
    shutil.copyfile(model_file, file)
    monkeypatch.setattr(registry, "SHIPPED_FILE", file)
    monkeypatch.setattr("giz.training.storage.SHIPPED_FILE", file)
    return file


@pytest.mark.parametrize(
    ("history", "stack"),
    [
        ([], []),
        ([(1, "shipped"), (2, "gate"), (3, "staff")], [1, 2, 3]),
        ([(1, "shipped"), (2, "gate"), (3, "staff"), (2, "rollback")], [1, 2]),
        ([(1, "shipped"), (2, "gate"), (3, "staff"), (2, "rollback"), (1, "rollback")], [1]),
        ([(1, "shipped"), (2, "gate"), (1, "rollback"), (3, "gate")], [1, 3]),
        ([(1, "shipped"), (2, "gate"), (1, "staff")], [1, 2, 1]),
        ([(7, "rollback")], [7]),
    ],
)
def test_a_rollback_takes_the_newest_away_and_a_second_one_goes_further_back(
    history: list[tuple[int, str]], stack: list[int]
) -> None:
    assert served_stack(history) == stack


def test_nothing_answers_before_anything_was_promoted(db: None) -> None:
    assert served_model() is None
    assert answering_models() == {}


def test_the_newest_promotion_answers_and_says_who_and_why(make: Make, bob: Any) -> None:
    first, second = make("first"), make("second")
    model_promote(version=first, why="to begin with", actor=bob)
    model_promote(version=second, why="better", actor=bob, gate={"rms_deg": 2.0})
    assert served_model() == second
    newest = Promotion.objects.first()
    assert newest is not None
    assert (newest.actor_number, newest.why, newest.gate) == (bob.volunteer_number, "better", {"rms_deg": 2.0})
    event = AuditEvent.objects.get(action="model_promoted", subject=str(second))
    assert event.actor_number == bob.volunteer_number


def test_networks_answer_beside_each_other_each_under_its_name_and_sub_sample(make: Make) -> None:
    ours, whole, bagged = make("a"), make("b", "model4", flavour=0), make("c", "model4", flavour=1)
    for version in (ours, whole, bagged):
        model_promote(version=version, why="test")
    assert answering_models() == {"ours": ours, "model4": whole, "model41": bagged}
    assert served_model() == ours


def test_promoting_what_is_served_already_adds_nothing(make: Make) -> None:
    version = make("only")
    assert model_promote(version=version, why="once") == model_promote(version=version, why="twice")
    assert Promotion.objects.count() == 1


def test_a_rollback_goes_back_one_by_one_until_there_is_no_more(make: Make, bob: Any) -> None:
    versions = [make(name) for name in ("one", "two", "three")]
    for version in versions:
        model_promote(version=version, why="test")
    assert served_before() == versions[1]
    assert model_rollback(actor=bob).version == versions[1]
    assert model_rollback(actor=bob).version == versions[0]
    with pytest.raises(Refused, match="before this one"):
        model_rollback(actor=bob)
    assert served_model() == versions[0]
    assert Promotion.objects.count() == 5


def test_the_history_can_be_neither_changed_nor_deleted(make: Make) -> None:
    promotion = model_promote(version=make("kept"), why="test")
    for change in (lambda: Promotion.objects.update(why="nothing happened"), lambda: promotion.delete()):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_a_file_with_another_checksum_is_neither_loaded_nor_promoted_nor_rolled_back_to(make: Make) -> None:
    first, second = make("first"), make("second")
    model_promote(version=first, why="test")
    model_promote(version=second, why="test")
    (models_folder() / first.file_name).write_bytes(b"another")
    for attempt in (
        lambda: model_path(first),
        lambda: model_promote(version=first, why="test"),
        lambda: model_rollback(),
    ):
        with pytest.raises(Refused, match="is not the file that was registered") as refusal:
            attempt()
        assert refusal.value.code == "model_changed"
    assert served_model() == second
    (models_folder() / first.file_name).unlink()
    with pytest.raises(Refused) as refusal:
        model_path(first)
    assert refusal.value.code == "model_missing"


def test_the_same_file_is_registered_once(make: Make) -> None:
    assert make("same") == make("same")
    assert len(list(models_folder().iterdir())) == 1


def test_what_came_with_giz_answers_where_nothing_else_does(shipped: Path) -> None:
    version = shipped_register()
    assert version is not None
    assert shipped_register() == version
    assert served_model() == version
    assert version.is_shipped
    assert model_path(version).read_bytes() == shipped.read_bytes()
    assert Promotion.objects.get().kind == "shipped"
    shutil.rmtree(models_folder())
    assert model_path(version) == shipped, "a machine without the data folder can answer, too"


def test_what_came_with_giz_leaves_a_trained_network_in_place(shipped: Path, make: Make) -> None:
    trained = make("trained")
    model_promote(version=trained, why="test")
    assert shipped_register() != trained
    assert served_model() == trained


def test_a_newer_shipped_network_follows_an_older_one_but_not_against_the_staffs_choice(
    shipped: Path, make: Make, bob: Any
) -> None:
    older = make("older")
    assert older.is_shipped
    model_promote(version=older, why="test", kind=Promotion.Kind.SHIPPED)
    newer = shipped_register()
    assert served_model() == newer
    model_rollback(actor=bob)
    shipped_register()
    assert served_model() == older


def test_without_a_shipped_file_nothing_happens(db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "SHIPPED_FILE", tmp_path / "none.onnx")
    assert shipped_register() is None
    assert not ModelVersion.objects.exists()


def test_a_migration_registers_it_and_a_damaged_file_does_not_stop_the_migration(shipped: Path) -> None:
    register_shipped(plan=[])
    assert served_model() is not None
    shipped.write_bytes(b"damaged")
    register_shipped(plan=[])
    assert ModelVersion.objects.count() == 1
    with refuses("bad_model"):
        call_command("models", "--shipped")


def test_migrate_sends_for_it_by_itself(shipped: Path) -> None:
    from django.apps import apps

    config = apps.get_app_config("training")
    post_migrate.connect(register_shipped, sender=config, dispatch_uid="training.register_shipped")
    try:
        call_command("migrate", verbosity=0)
    finally:
        post_migrate.disconnect(sender=config, dispatch_uid="training.register_shipped")
    assert served_model() is not None


def test_the_command_lists_promotes_and_rolls_back(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("models")
    assert "No network yet" in capsys.readouterr().out
    first, second = make("first"), make("second")
    call_command("models", promote=first.sha256[:12])
    call_command("models", promote=second.sha256[:12], why="a better one")
    said = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in said[-2:]] == [second.sha256[:12], first.sha256[:12]]
    assert said[-2].endswith("in use as ours")
    call_command("models", rollback="ours")
    assert served_model() == first
    for wrong in ({"promote": "zz"}, {"promote": ""}, {"rollback": "ours"}, {"rollback": "model9"}):
        if any(wrong.values()):
            with pytest.raises(CommandError):
                call_command("models", **wrong)


def test_a_file_is_registered_with_its_card_and_can_be_promoted(
    model_file: Path, db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("models", register=str(model_file))
    version = ModelVersion.objects.get()
    assert "registered" in capsys.readouterr().out
    assert (version.is_shipped, version.card["network"], version.origin) == (False, "ours", "registered")
    assert served_model() is None
    with pytest.raises(CommandError, match="is not a GIZ model"):
        call_command("models", register=str(Path(__file__)))
