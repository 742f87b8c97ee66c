"""manage.py create_campaign NAME --set SET"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from giz.core.command import GizCommand
from giz.core.errors import Refused
from giz.core.words import n_galaxies
from labeling.aggregation.estimators import ESTIMATORS
from labeling.aggregation.retirement import RETIREMENT_RULES, people_asked
from labeling.management.targets import read_targets
from labeling.models import Campaign
from labeling.services.campaigns import campaign_create, campaign_open, targets_add
from standards.selectors import standard_set_named

DESCRIPTION = """\
Make a campaign: galaxies to be judged against a set of standards, and the rules for it.

  manage.py create_campaign virgo --set mine --title "Spirals in Virgo" --targets targets.txt --open

--targets takes any of these, one or several:
  all            every galaxy with pictures that is no standard of the set
  set:NAME       the galaxies of a standard set, to see how well people know the ruler
  FILE           a table with a column pgc, or one PGC number a line
  1234 5678      PGC numbers
Galaxies without pictures are left out. More can be added on the staff pages later. Without --open the campaign is a
draft; it is opened, paused and closed on the staff pages too.
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
            default=3,
            metavar="N",
            help="how many different people judge each galaxy (default: %(default)s)",
        )
        parser.add_argument(
            "--lease-minutes",
            type=int,
            default=15,
            metavar="N",
            help="how long a galaxy is held for one person (default: %(default)s)",
        )
        parser.add_argument(
            "--estimator",
            default="median",
            metavar="NAME",
            help=f"fills the published inclination: {', '.join(ESTIMATORS)} (default: %(default)s)",
        )
        parser.add_argument(
            "--rule",
            default="fixed",
            metavar="NAME",
            dest="retirement",
            help=f"when a galaxy is done: {', '.join(RETIREMENT_RULES)} (default: %(default)s)",
        )
        parser.add_argument(
            "--no-network",
            action="store_false",
            dest="uses_network",
            help="serve fresh galaxies in random order, whatever network there is; for samples that must be random",
        )
        parser.add_argument("--open", action="store_true", dest="is_open", help="let volunteers in at once")

    def handle(self, *, set_name: str, targets: list[str], is_open: bool, **options: Any) -> None:
        names = ("name", "title", "description", "overlap", "lease_minutes", "estimator", "retirement", "uses_network")
        standard_set = standard_set_named(set_name)
        chosen = read_targets(targets, standard_set)
        campaign = campaign_create(standard_set=standard_set, **{name: options[name] for name in names})
        for line in chosen.problems:
            self.stderr.write(line)
        self._add_targets(campaign, chosen.galaxy_ids)
        if is_open:
            try:
                campaign_open(campaign=campaign)
            except Refused as error:
                raise CommandError(f"The campaign is made, but stays a draft. {error.detail}") from None
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
                f"Left out for want of pictures: {n_galaxies(added.without_image)}. import_images brings pictures in."
            )
