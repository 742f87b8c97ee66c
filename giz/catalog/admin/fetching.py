"""Fetching from surveys by staff: a button for one galaxy, an action for several, a form for numbers and names."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from giz.catalog.formats.numbers import read_pgc
from giz.catalog.jobs import images_fetch_job, images_prepare_job
from giz.catalog.models import Galaxy
from giz.catalog.services.lacking import numbers_to_fetch
from giz.core import audit
from giz.core.errors import Refused
from giz.core.models import Job
from giz.core.tasks import wake_on_commit
from giz.surveys.observatory import SURVEY_NAMES
from giz.surveys.sesame import checked_name
from giz.surveys.survey import SurveyError, survey_title
from giz.tables.table import RowError


def surveys_in_order() -> list[str]:
    """Return all surveys, those of SURVEY_ORDER first."""
    return [*settings.SURVEY_ORDER, *(name for name in SURVEY_NAMES if name not in settings.SURVEY_ORDER)]


class FetchForm(forms.Form):
    """Numbers and names, one per line, and the surveys."""

    galaxies = forms.CharField(
        required=False,
        max_length=200_000,
        label="Galaxies",
        help_text="one per line: a PGC number, or a name such as NGC 3521",
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "autofocus": True}),
    )
    missing = forms.BooleanField(required=False, label="Every galaxy in the catalogue without pictures")
    surveys = forms.MultipleChoiceField(
        choices=lambda: [(name, survey_title(name)) for name in surveys_in_order()],
        widget=forms.CheckboxSelectMultiple,
        label="Surveys, tried in this order",
    )

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        numbers, names = read_galaxies(values.get("galaxies", ""))
        if values.get("missing"):
            numbers = sorted({*numbers, *numbers_to_fetch()})
        if not numbers and not names and "galaxies" not in self.errors:
            raise ValidationError(
                "Every galaxy in the catalogue has a picture."
                if values.get("missing")
                else "Enter at least one galaxy."
            )
        return values | {"numbers": numbers, "names": names}


def read_galaxies(text: str) -> tuple[list[int], list[str]]:
    """Parse PGC numbers and names, one per line. Raises ValidationError with the line."""
    numbers, names = [], []
    for place, line in enumerate(text.splitlines(), 1):
        word = line.partition("#")[0].strip()
        if not word:
            continue
        try:
            if word.upper().removeprefix("PGC").strip().isdigit():
                numbers.append(read_pgc(word))
            else:
                names.append(checked_name(word))
        except RowError as error:
            raise ValidationError({"galaxies": f"Line {place}: {error}."}) from None
        except SurveyError as error:
            raise ValidationError({"galaxies": f"Line {place}: {error.detail}"}) from None
    return numbers, names


def start_fetching(request: HttpRequest, numbers: list[int], names: list[str], surveys: list[str]) -> Job:
    """Create the job and wake a worker once it is committed."""
    job = images_fetch_job(numbers, surveys, names=names, owner=request.user)
    return _started(request, job, len(numbers) + len(names))


def start_preparing(request: HttpRequest, numbers: list[int]) -> Job:
    return _started(request, images_prepare_job(numbers, owner=request.user), len(numbers))


def _started(request: HttpRequest, job: Job, count: int) -> Job:
    wake_on_commit(job)
    audit.record(job.kind, actor=request.user, subject=str(job.id), galaxies=count)
    return job


def press_fetch(request: HttpRequest, galaxy: Galaxy) -> str:
    start_fetching(request, [galaxy.pgc], [], list(settings.SURVEY_ORDER))
    return f"Frames of {galaxy} are being fetched. Jobs shows the progress; the pictures will appear here."


def press_prepare(request: HttpRequest, galaxy: Galaxy) -> str:
    start_preparing(request, [galaxy.pgc])
    return f"The pictures of {galaxy} are being remade from the frames on this machine."


def job_page(job: Job) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:core_job_change", args=[job.pk]))


def fetch_view(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show the form; a valid one starts a job and redirects to its page."""
    form = FetchForm(request.POST or None, initial={"surveys": list(settings.SURVEY_ORDER)})
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        surveys = [name for name in surveys_in_order() if name in values["surveys"]]
        try:
            job = start_fetching(request, values["numbers"], values["names"], surveys)
        except Refused as error:
            form.add_error(None, error.detail)
        else:
            messages.success(request, "The galaxies are being fetched. Reload this page to see the progress.")
            return job_page(job)
    return TemplateResponse(
        request, "catalog/fetch.html", context | {"title": "Fetch galaxies from surveys", "form": form}
    )
