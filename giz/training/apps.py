from typing import Any

import structlog
from django.apps import AppConfig
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models.signals import post_migrate

from giz.core.errors import Refused

log = structlog.get_logger("giz.training")


class TrainingConfig(AppConfig):
    name = "giz.training"
    label = "training"

    def ready(self) -> None:
        from giz.training import jobs  # noqa: F401 - registers the handlers of this app's jobs

        post_migrate.connect(register_shipped, sender=self, dispatch_uid="training.register_shipped")


def register_shipped(plan: Any = None, **_about: Any) -> None:
    """Register the network that came with GIZ after every `migrate` (but not after a flush, which has no plan)."""
    from giz.training.services.registry import shipped_register

    if plan is None or not _has_its_tables():
        return
    try:
        shipped_register()
    except (Refused, OSError) as error:
        log.warning("shipped_model_not_registered", reason=str(error))


def _has_its_tables() -> bool:
    """Whether all migrations of this app are applied."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes("training"))
