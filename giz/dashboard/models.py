"""What the staff pages store: reports, made by a worker."""

from django.db import models

from labeling.models import Campaign


class KeptReport(models.Model):
    """The newest report of one name on a campaign, as the worker made it."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="kept_reports")
    name = models.CharField(max_length=40)
    content = models.TextField(help_text="as giz.core.report.dumped writes it")
    made_at = models.DateTimeField(help_text="when the votes were read")
    seconds = models.FloatField(help_text="how long it took")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "name"], name="report_one_of_a_name")]

    def __str__(self) -> str:
        return f"{self.name} of campaign {self.campaign_id}"
