"""A network's predictions for targets, and its order of a campaign's queue. No label depends on them."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from giz.core.words import n_galaxies
from labeling.models.campaigns import Campaign, Target

# Digits of a version's checksum that people see.
SHORT = 12


class NetworkAnswer(models.Model):
    """A network's prediction for a target before it was finished; it only orders the queue and raises doubts.

    It is not updated afterwards: a network that has learned from people's votes would only agree with them.
    """

    target = models.OneToOneField(
        Target, on_delete=models.CASCADE, primary_key=True, related_name="network_answer", editable=False
    )
    model = models.CharField(max_length=80, help_text="the network's version")
    inclination_deg = models.FloatField()
    sigma_deg = models.FloatField(help_text="its stated error")
    rejection = models.FloatField(help_text="probability that it should be rejected, or is face-on, in this campaign")
    spread_deg = models.FloatField(default=0.0, help_text="scatter among the models of an ensemble; 0 for one model")
    is_dismissed = models.BooleanField(default=False, help_text="staff decided that people are right")
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
    """A network's order of a campaign's queue and its performance there; without a row no network orders it."""

    campaign = models.OneToOneField(
        Campaign, on_delete=models.CASCADE, primary_key=True, related_name="network_order", editable=False
    )
    model = models.CharField(max_length=80)
    rule_version = models.CharField(max_length=40)
    answers = models.PositiveIntegerField()
    unanswered = models.PositiveIntegerField(help_text="galaxies without a readable picture")
    compared = models.PositiveIntegerField(help_text="finished galaxies with an inclination by people")
    bias_deg = models.FloatField(help_text="median of people minus network")
    error_scale = models.FloatField(help_text="factor by which the errors are larger than stated; at least 1")
    verdicts = models.PositiveIntegerField(help_text="finished galaxies with a verdict by people")
    agreement = models.FloatField(help_text="share of these with the same verdict by the network")
    ordered_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.short_model} in campaign {self.campaign_id}"

    @property
    def short_model(self) -> str:
        return f"Model {self.model[:SHORT]}"

    @property
    def in_words(self) -> str:
        """A sentence about the network's performance in this campaign."""
        if not self.compared:
            return "No galaxy was finished when it last looked, so nothing could be compared."
        return (
            f"On {n_galaxies(self.compared)} that people have finished, they say {abs(self.bias_deg):.1f}° "
            f"{'more' if self.bias_deg >= 0 else 'less'} than the network "
            f"(median); the combined error is {self.error_scale:.1f} times what both state; "
            f"{self.agreement:.0%} of the verdicts agree."
        )
