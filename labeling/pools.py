"""Which standards a task may show: read once a process and set, for published sets never change."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from giz.core.errors import Refused
from labeling.comparison import has_enough_panels
from standards import grid
from standards.models import Standard, StandardSet


@dataclass(frozen=True, slots=True)
class Pools:
    """The shown standards of a set by bin, and which bin fills each panel of the grid."""

    standard_ids: Mapping[int, tuple[int, ...]]
    sources: Mapping[int, int]

    def orders(self, seed: int) -> "Orders":
        return Orders(self.standard_ids, seed)


class Orders(Mapping[int, Sequence[int]]):
    """A task's seeded permutation of each bin, made when it is asked for."""

    def __init__(self, standard_ids: Mapping[int, tuple[int, ...]], seed: int) -> None:
        self._standard_ids = standard_ids
        self._seed = seed
        self._made: dict[int, list[int]] = {}

    def __getitem__(self, bin_deg: int) -> list[int]:
        if bin_deg not in self._made:
            self._made[bin_deg] = grid.draw_order(self._seed, bin_deg, self._standard_ids[bin_deg])
        return self._made[bin_deg]

    def __iter__(self) -> Iterator[int]:
        return iter(self._standard_ids)

    def __len__(self) -> int:
        return len(self._standard_ids)


@dataclass(frozen=True, slots=True)
class SetPools:
    """The pools of a whole set, and where each of its galaxies stands in them."""

    pools: Pools
    place_of_galaxy: Mapping[int, tuple[int, int]]

    @property
    def has_enough_panels(self) -> bool:
        return has_enough_panels(self.pools.sources)

    def for_target(self, galaxy_id: int) -> Pools:
        """Return the pools without the target's own galaxy: a target is never its own standard."""
        place = self.place_of_galaxy.get(galaxy_id)
        if place is None:
            return self.pools
        bin_deg, standard_id = place
        others = tuple(other for other in self.pools.standard_ids[bin_deg] if other != standard_id)
        kept = {name: ids for name, ids in self.pools.standard_ids.items() if name != bin_deg}
        if others:
            kept[bin_deg] = others
            return Pools(kept, self.pools.sources)
        return Pools(kept, grid.panel_sources(kept))


def read_set_pools(standard_set_id: int) -> SetPools:
    """Read the shown standards of a set from the database."""
    ids: dict[int, list[int]] = {}
    places = {}
    rows = Standard.objects.filter(standard_set_id=standard_set_id, is_shown=True).order_by("bin_deg", "id")
    for standard_id, bin_deg, galaxy_id in rows.values_list("id", "bin_deg", "galaxy_id"):
        ids.setdefault(bin_deg, []).append(standard_id)
        places[galaxy_id] = (bin_deg, standard_id)
    pools = Pools({bin_deg: tuple(found) for bin_deg, found in ids.items()}, grid.panel_sources(ids))
    return SetPools(pools, places)


@lru_cache(maxsize=64)
def set_pools(standard_set_id: int) -> SetPools:
    """Return the pools of a published set from this process's memory, reading them the first time."""
    if not StandardSet.objects.filter(id=standard_set_id, state=StandardSet.State.PUBLISHED).exists():
        raise Refused(
            "campaign_misconfigured",
            "This campaign's standard set is not published, so its standards could still change. Staff can publish it.",
            status=409,
        )
    return read_set_pools(standard_set_id)
