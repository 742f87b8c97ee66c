"""What a network says of targets, and how it ordered a campaign's queue: for planning, never for a label."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from giz.core.words import n_galaxies
from labeling.models.campaigns import Campaign, Target

# Of a version's checksum, for eyes.
SHORT = 12


class NetworkAnswer(models.Model):
    """What a network said of a target's galaxy before people were done with it; it orders the queue, and no more.

    It stays as it was once people are done: a network that has learned from their votes would only agree with them.
    """

    target = models.OneToOneField(
        Target, on_delete=models.CASCADE, primary_key=True, related_name="network_answer", editable=False
    )
    model = models.CharField(max_length=80, help_text="the network's version")
    inclination_deg = models.FloatField()
    sigma_deg = models.FloatField(help_text="its stated error")
    rejection = models.FloatField(help_text="probability that it is to be rejected, or face-on")
    spread_deg = models.FloatField(default=0.0, help_text="how far the models of an ensemble lie apart; 0 of one model")
    is_dismissed = models.BooleanField(default=False, help_text="staff found that people are right")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            # NaN is above all numbers for PostgreSQL, so these keep it out too.
            models.CheckConstraint(
                condition=Q(inclination_deg__gte=0, inclination_deg__lte=90), name="networkanswer_inclination_range"
            ),
            models.CheckConstraint(
                condition=Q(sigma_deg__gt=0, sigma_deg__lte=90, spread_deg__gte=0, spread_deg__lte=90),
                name="networkanswer_errors_range",
            ),
            models.CheckConstraint(
                condition=Q(rejection__gte=0, rejection__lte=1), name="networkanswer_rejection_is_probability"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model[:SHORT]} on target {self.target_id}"

    @property
    def in_words(self) -> str:
        apart = f", its models {self.spread_deg:.1f}° apart" if self.spread_deg else ""
        return (
            f"{self.inclination_deg:.1f}° ± {self.sigma_deg:.1f}{apart}; rejected at {self.rejection:.1%} "
            f"(model {self.model[:SHORT]}, {self.created_at:%Y-%m-%d})"
        )


class NetworkOrder(models.Model):
    """How a network ordered a campaign's queue, and how well it does there; no row, no order by a network."""

    campaign = models.OneToOneField(
        Campaign, on_delete=models.CASCADE, primary_key=True, related_name="network_order", editable=False
    )
    model = models.CharField(max_length=80)
    rule_version = models.CharField(max_length=40)
    answers = models.PositiveIntegerField()
    unanswered = models.PositiveIntegerField(help_text="galaxies that it could not look at: no picture can be read")
    compared = models.PositiveIntegerField(help_text="galaxies with an inclination by people who are done with them")
    bias_deg = models.FloatField(help_text="people minus network, in the median")
    error_scale = models.FloatField(help_text="how much wider than stated the errors are; 1 at least")
    verdicts = models.PositiveIntegerField(help_text="galaxies with a verdict by people who are done with them")
    agreement = models.FloatField(help_text="share of them on which the network's verdict is the same")
    ordered_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.short_model} in campaign {self.campaign_id}"

    @property
    def short_model(self) -> str:
        return f"Model {self.model[:SHORT]}"

    @property
    def in_words(self) -> str:
        """How well the network does here."""
        if not self.compared:
            return "No galaxy is done yet, so nothing can be compared."
        return (
            f"On {n_galaxies(self.compared)} that people are done with, they say {abs(self.bias_deg):.1f}° "
            f"{'more' if self.bias_deg >= 0 else 'less'} than the network "
            f"(median); its errors and theirs are {self.error_scale:.1f} times what both state; "
            f"{self.agreement:.0%} of the verdicts agree."
        )
