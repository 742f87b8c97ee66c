"""manage.py simulate --volunteers N --votes M"""

from argparse import ArgumentParser
from typing import Any

from giz.core.command import GizCommand, run_job_with_bar
from giz.core.words import counted, n_galaxies, signed
from labeling.demo.jobs import NAME
from labeling.services.campaigns import campaign_named
from labeling.simulation.jobs import simulate_job


class Command(GizCommand):
    help = (
        "Let simulated people judge the synthetic galaxies of a campaign, and compare the labels with the truth. "
        "Each has individual habits (offset, slope, scatter, lapses) and leases galaxies, compares, rejects, "
        "skips and votes through the same services as real people. The same seed gives the same crowd: run it "
        "again for more votes. Real galaxies are refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--campaign", default=NAME, metavar="NAME", help="of synthetic galaxies (default: demo)")
        parser.add_argument("--volunteers", type=int, default=20, metavar="N", help="people in the crowd (default: 20)")
        parser.add_argument("--votes", type=int, default=600, metavar="N", help="votes that they give (default: 600)")
        parser.add_argument(
            "--seed", type=int, default=1, metavar="N", help="random seed; another seed gives another crowd"
        )
        parser.add_argument(
            "--robots",
            type=float,
            default=0.0,
            metavar="SHARE",
            help="share of accounts that vote without looking: always the same slot, or in under a second (default: 0)",
        )
        parser.add_argument(
            "--days",
            type=float,
            default=0.0,
            metavar="N",
            help="spread the votes over the last N days, for reports of progress (default: 0, all today)",
        )

    def handle(self, *, campaign: str, **options: Any) -> None:
        chosen = {name: options[name] for name in ("volunteers", "votes", "seed", "robots", "days")}
        job = simulate_job(campaign=campaign_named(campaign), **chosen)
        result = run_job_with_bar(job, title=f"Simulated crowd in {campaign}").result
        self._print(result, asked=chosen["votes"])

    def _print(self, result: dict[str, Any], *, asked: int) -> None:
        done = "" if result["votes"] >= asked else f" of {asked:,}: nobody had a galaxy left"
        self.stdout.write(
            f"{counted(result['votes'], 'vote')}{done}. In the campaign now: {result['judged']:,} of "
            f"{n_galaxies(result['galaxies'])} judged, {result['retired']:,} done, "
            f"{result['votes_a_galaxy']:.2f} votes a galaxy."
        )
        if result["robots"] or result["implausible"]:
            self.stdout.write(
                f"Robots in the crowd: {result['robots']:,}. Simulated accounts with votes of weight 0: "
                f"{result['implausible']:,}."
            )
        self.stdout.write("Accepted galaxies against the truth, in degrees; stated errors should cover 68 % and 95 %:")
        for name, errors in result["errors"].items():
            if errors is None:
                self.stdout.write(f"  {name:8} nothing to compare yet")
                continue
            self.stdout.write(
                f"  {name:8} RMS {errors['rms_deg']:.2f}  bias {signed(errors['bias_deg'], 2):>5}  "
                f"1σ covers {errors['within_1_sigma']:.1%}, 2σ {errors['within_2_sigma']:.1%}  "
                f"({n_galaxies(errors['count'])})"
            )
