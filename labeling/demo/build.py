"""Build the demo sky: first a small one, so that people can start; then all standards, then all targets."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from giz.catalog.selectors import galaxy_ids, synthetic_galaxies_complete
from giz.catalog.services.galaxies import RenderedPicture, synthetic_galaxy_store
from giz.catalog.storage import display_files_take_over, display_folder
from labeling.demo.jobs import NAME
from labeling.demo.plan import Recipe, standard_recipes, target_recipes
from labeling.demo.renderers import Renderers
from labeling.models import Campaign
from labeling.services.campaigns import campaign_create, campaign_open, campaign_use_set, targets_add
from standards import grid
from standards.formats import StandardEntry
from standards.models import StandardSet
from standards.selectors import standard_set_named
from standards.services import standard_set_publish

TITLE = "Demo sky"
DESCRIPTION = "Computer-generated spiral galaxies for learning the comparison. Some can't be measured: reject those."
TARGETS_A_BATCH = 20

OnProgress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The size of a demo sky."""

    size_px: int
    seed: int
    per_bin: int
    targets: int
    first_targets: int


class DemoSky:
    """One run over the plan; existing galaxies are kept, so a second run completes the first."""

    def __init__(self, options: DemoOptions, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._standards = standard_recipes(options.seed, options.per_bin)
        self._targets = target_recipes(options.seed, options.targets)
        self._sky = {"sky_seed": options.seed, "size_px": options.size_px}
        self._first_targets = options.first_targets
        self._total = len(self._standards) + len(self._targets)
        everything = [*self._standards, *self._targets]
        self._complete = synthetic_galaxies_complete({recipe.pgc: recipe.seed for recipe in everything})
        self._made = 0
        self._kept = 0
        self._size_px = options.size_px

    def build(self) -> dict[str, Any]:
        """Make the sky; return how many galaxies were made and kept, and the campaign and standard set."""
        one_a_bin = len(grid.GRID_BINS)
        first, rest = self._targets[: self._first_targets], self._targets[self._first_targets :]
        with _media_folder() as media, Renderers(size_px=self._size_px, media=media) as self._renderers:
            self._make(self._standards[:one_a_bin], "first standards")
            self._make(first, "first galaxies to judge")
            campaign = self._open_campaign(first)
            self._make(self._standards[one_a_bin:], "standards")
            complete = publish_standards(self._standards)
            campaign = campaign_use_set(campaign=campaign, standard_set=complete)
            for start in range(0, len(rest), TARGETS_A_BATCH):
                batch = rest[start : start + TARGETS_A_BATCH]
                self._make(batch, "galaxies to judge")
                add_targets(campaign, batch)
        self._report(f"{len(self._standards)} standards, {len(self._targets)} galaxies to judge")
        return {
            "made": self._made,
            "kept": self._kept,
            "campaign": campaign.name,
            "targets": len(self._targets),
            "standard_set": str(complete),
        }

    def _open_campaign(self, first: Sequence[Recipe]) -> Campaign:
        """Open the campaign as soon as there is one standard per bin and something to judge."""
        if not StandardSet.objects.filter(name=NAME, state=StandardSet.State.PUBLISHED).exists():
            publish_standards(self._standards[: len(grid.GRID_BINS)])
        campaign = Campaign.objects.select_related("standard_set").filter(name=NAME).first() or campaign_create(
            name=NAME, title=TITLE, description=DESCRIPTION, standard_set=standard_set_named(NAME)
        )
        add_targets(campaign, first)
        if campaign.state == Campaign.State.DRAFT:
            campaign_open(campaign=campaign)
        return campaign

    def _make(self, recipes: Sequence[Recipe], message: str) -> None:
        missing = [recipe for recipe in recipes if recipe.pgc not in self._complete]
        self._kept += len(recipes) - len(missing)
        self._report(message)
        for answer in self._renderers.render(missing):
            self._bring_in(answer["pictures"])
            store(answer, self._sky)
            self._made += 1
            self._report(message)

    def _bring_in(self, pictures: Sequence[dict[str, Any]]) -> None:
        if display_folder() is None:
            for picture in pictures:
                display_files_take_over(self._renderers.media, picture["stem"], picture["sizes_px"])

    def _report(self, message: str) -> None:
        self._on_progress(self._made + self._kept, self._total, message)


def _media_folder() -> AbstractContextManager[Path]:
    """Return where the renderers write: the folder of display files, or a temporary one if these are kept elsewhere."""
    folder = display_folder()
    if folder is not None:
        return nullcontext(folder)
    return _passing_folder()


@contextmanager
def _passing_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="giz-media-") as name:
        yield Path(name)


def store(answer: dict[str, Any], sky: dict[str, Any]) -> None:
    """Store a rendered galaxy; its truth includes the options of the sky that it belongs to."""
    truth = ("inclination_deg", "reject_reason", "galaxy_type", "seed")
    synthetic_galaxy_store(
        pgc=answer["pgc"],
        name=answer["name"],
        d25_arcsec=answer["d25_arcsec"],
        pictures=[RenderedPicture(**picture) for picture in answer["pictures"]],
        truth={name: answer[name] for name in truth} | {"parameters": answer["parameters"] | sky},
    )


def publish_standards(recipes: Sequence[Recipe]) -> StandardSet:
    entries = [StandardEntry(recipe.pgc, recipe.inclination_deg or 0.0) for recipe in recipes]
    return standard_set_publish(name=NAME, entries=entries, source="manage.py demo").standard_set


def add_targets(campaign: Campaign, recipes: Sequence[Recipe]) -> None:
    targets_add(campaign=campaign, galaxy_ids=galaxy_ids([recipe.pgc for recipe in recipes]))
