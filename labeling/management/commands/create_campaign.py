"""manage.py create_campaign NAME --set SET"""

import re
from argparse import ArgumentParser
from dataclasses import dataclass, field
from typing import Any

from django.core.management.base import CommandError

from giz.catalog.formats.numbers import read_pgc_list
from giz.catalog.management.arguments import existing_file
from giz.catalog.selectors import number_named, numbers_named
from giz.core.command import GizCommand
from giz.core.errors import Refused
from giz.core.words import counted, n_galaxies
from labeling.aggregation.estimators import ESTIMATORS
from labeling.aggregation.retirement import MIN_VOLUNTEERS, RETIREMENT_RULES, people_asked
from labeling.models import Campaign
from labeling.selectors import galaxies_beside, galaxies_by_pgc, galaxies_of_set, standards_among
from labeling.services.campaigns import campaign_create, campaign_open, targets_add
from standards.models import StandardSet
from standards.selectors import standard_set_named

DEFAULT_OVERLAP = 3
MAX_REPORTED = 20
_NUMBER = re.compile(r"\d+(,\d+)*,?")
DESCRIPTION = """\
Make a campaign: galaxies to be judged against a set of standards, and the rules for it.

  manage.py create_campaign virgo --set mine --title "Spirals in Virgo" --targets targets.txt --open

--targets takes any of these, one or several:
  all            every galaxy with pictures that is not a standard of the set
  set:NAME       the galaxies of a standard set, to test how well people measure known galaxies
  FILE           a table with a column pgc, or one PGC number per line
  1234 5678      PGC numbers
Galaxies without pictures are left out. More can be added on the staff pages later. Without --open the campaign is a
draft; it can be opened, paused and closed on the staff pages.
"""


class Command(GizCommand):
    help = DESCRIPTION

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME", help="short name for addresses: letters, digits, hyphens")
        parser.add_argument("--set", required=True, metavar="SET", dest="set_name", help="standard set, or SET:VERSION")
        parser.add_argument("--title", default="", help="what volunteers read (default: the name)")
        parser.add_argument("--description", default="", help="a sentence or two for volunteers")
        parser.add_argument("--targets", nargs="+", default=[], metavar="WHAT", help="galaxies to be judged, see above")
        parser.add_argument(
            "--overlap",
            "--quota",
            type=int,
            metavar="N",
            help="how many different people judge each galaxy, three or more (default: 3); has no effect with --rule "
            "adaptive",
        )
        parser.add_argument(
            "--lease-minutes",
            type=int,
            default=15,
            metavar="N",
            help="minutes that a galaxy is reserved for one person (default: %(default)s)",
        )
        parser.add_argument(
            "--estimator",
            default="median",
            metavar="NAME",
            help=f"estimator of the published inclination: {', '.join(ESTIMATORS)} (default: %(default)s)",
        )
        parser.add_argument(
            "--rule",
            default="fixed",
            metavar="NAME",
            dest="retirement",
            help=f"when a galaxy is finished: {', '.join(RETIREMENT_RULES)} (default: %(default)s)",
        )
        parser.add_argument(
            "--no-network",
            action="store_false",
            dest="uses_network",
            help="serve new galaxies in random order even if a network is in use; for samples that must be random",
        )
        parser.add_argument("--open", action="store_true", dest="is_open", help="open it to volunteers at once")

    def handle(self, *, set_name: str, targets: list[str], is_open: bool, **options: Any) -> None:
        names = ("name", "title", "description", "overlap", "lease_minutes", "estimator", "retirement", "uses_network")
        standard_set = standard_set_named(set_name)
        chosen = read_targets(targets, standard_set)
        asked_overlap = options["overlap"]
        options["overlap"] = DEFAULT_OVERLAP if asked_overlap is None else asked_overlap
        campaign = campaign_create(standard_set=standard_set, **{name: options[name] for name in names})
        for line in overlap_notes(campaign, asked_overlap):
            self.stderr.write(line)
        for line in chosen.problems:
            self.stderr.write(line)
        self._add_targets(campaign, chosen.galaxy_ids)
        self._tell_standards(campaign, chosen.galaxy_ids)
        if is_open:
            try:
                campaign_open(campaign=campaign)
            except Refused as error:
                raise CommandError(f"The campaign was created, but is still a draft. {error.detail}") from None
            if campaign.standard_set != standard_set:
                self.stdout.write(
                    f"Its standards have new pictures: it compares with {campaign.standard_set} from the start."
                )
            self.stdout.write(f"It is open: volunteers find it at /label/{campaign.name}")
        else:
            self.stdout.write("It is a draft; open it on the staff pages.")

    def _add_targets(self, campaign: Campaign, galaxy_ids: list[int]) -> None:
        added = targets_add(campaign=campaign, galaxy_ids=galaxy_ids)
        asked = people_asked(campaign.retirement, campaign.overlap)
        people = f"{asked} {'person' if asked == '1' else 'people'}"
        self.stdout.write(
            f"Campaign {campaign.name}: {n_galaxies(added.added)} to be judged by {people} each, "
            f"against {campaign.standard_set.name} version {campaign.standard_set.version}."
        )
        if added.without_image:
            self.stdout.write(
                f"Left out because they have no pictures: {n_galaxies(added.without_image)}. import_images brings "
                "pictures in."
            )

    def _tell_standards(self, campaign: Campaign, galaxy_ids: list[int]) -> None:
        count = standards_among(campaign.standard_set, galaxy_ids)
        if count:
            are = "is a standard" if count == 1 else "are standards"
            self.stdout.write(
                f"{n_galaxies(count)} of these {are} of {campaign.standard_set.name} too: each is compared with the "
                "other standards, never with itself. Leave them out unless you want to test how well people measure "
                "known galaxies."
            )


def overlap_notes(campaign: Campaign, asked: int | None) -> list[str]:
    """Return notes if the requested overlap has no effect or is raised."""
    if asked is None:
        return []
    if campaign.retirement == "adaptive":
        return [f"--overlap {asked} has no effect: the rule adaptive decides for each galaxy how many people it asks."]
    if asked < MIN_VOLUNTEERS:
        return [
            f"--overlap {asked} becomes {MIN_VOLUNTEERS}: an inclination needs {MIN_VOLUNTEERS} people or more to be "
            "published."
        ]
    return []


@dataclass
class ChosenTargets:
    """Ids of galaxies, and a message about everything that could not be used."""

    galaxy_ids: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_targets(words: list[str], standard_set: StandardSet) -> ChosenTargets:
    """Return the galaxies that the words of --targets name; raises Refused if there are none."""
    ids: set[int] = set()
    numbers: dict[int, None] = {}
    problems: list[str] = []
    for word in words:
        if word == "all":
            ids.update(galaxies_beside(standard_set))
        elif word.startswith("set:"):
            ids.update(galaxies_of_set(standard_set_named(word.removeprefix("set:"))))
        elif ":" in word and (named := numbers_named(word)):
            numbers.update(dict.fromkeys(named))
        elif _NUMBER.fullmatch(word):
            numbers.update(dict.fromkeys(int(part) for part in word.split(",") if part))
        else:
            found, bad = read_pgc_list(existing_file(word.removeprefix("@")), may_be_synthetic=True, named=number_named)
            numbers.update(dict.fromkeys(found))
            problems += bad[:MAX_REPORTED]
            if len(bad) > MAX_REPORTED:
                problems.append(f"… and {counted(len(bad) - MAX_REPORTED, 'more line')} that cannot be used")
    known = galaxies_by_pgc(list(numbers))
    unknown = [str(pgc) for pgc in numbers if pgc not in known]
    if unknown:
        problems.append(
            f"Not in the catalogue and left out: PGC {', '.join(unknown[:MAX_REPORTED])}"
            + (f" and {len(unknown) - MAX_REPORTED} more." if len(unknown) > MAX_REPORTED else ".")
        )
    ids.update(known.values())
    if words and not ids:
        raise Refused("no_targets", " ".join([f"No galaxy matches {' '.join(words)}.", *problems]))
    return ChosenTargets(sorted(ids), problems)
