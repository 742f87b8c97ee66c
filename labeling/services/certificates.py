"""Certificates of how somebody sees galaxies: the figures of *My eye* on a day, checked by number and code."""

import secrets
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from giz.accounts.models import User
from giz.core import audit
from giz.core.errors import Refused
from giz.core.pdf import Ellipse, Line, pdf_page
from labeling.aggregation.my_eye import MIN_GALAXIES, eye_of
from labeling.models import Certificate
from labeling.outcomes import pairs_of
from labeling.selectors import vote_counts

# Without letters and digits that look alike. Twelve of them are 58 bits.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GOLD, _GREY = (0.72, 0.50, 0.0), (0.75, 0.75, 0.75)


def certificate_issue(*, volunteer: Any) -> Certificate:
    """Return a certificate with the figures of *My eye*; asking again on the same day (UTC) returns the same one.

    Raises
    ------
    Refused
        ``too_few_galaxies`` (409) while *My eye* states no figures; ``not_authenticated`` (401) if the account has been
        erased.
    """
    eye = eye_of(pairs_of(volunteer.pk))
    if eye is None:
        raise Refused(
            "too_few_galaxies",
            f"A certificate needs {MIN_GALAXIES} of your galaxies to be settled. My eye shows how many are.",
            status=409,
        )
    figures = eye.figures
    with transaction.atomic():
        # Else the shell of an account that is erased meanwhile would have one.
        User.objects.locked(volunteer)
        made, is_new = Certificate.objects.get_or_create(
            volunteer=volunteer,
            day=timezone.now().date(),
            defaults={
                "number": secrets.randbelow(900_000_000) + 100_000_000,
                "code": "".join(secrets.choice(_LETTERS) for _ in range(12)),
                "votes": vote_counts(volunteer.pk)["votes"],
                "galaxies": figures.galaxies,
                "offset_deg": figures.offset_deg,
                "offset_error_deg": figures.offset_error_deg,
                "scatter_deg": figures.scatter_deg,
                "scatter_error_deg": figures.scatter_error_deg,
            },
        )
        if is_new:
            audit.record("certificate_issued", actor=volunteer, subject=str(made.number))
    return made


def certificate_find(*, number: int, code: str) -> Certificate | None:
    """Return the certificate with this number, if the code is its code."""
    found = Certificate.objects.select_related("volunteer").filter(number=number).first()
    return found if found and secrets.compare_digest(found.code.encode(), code.lower().encode()) else None


def certificate_pdf(certificate: Certificate) -> bytes:
    """Return the certificate as a PDF page."""
    address = f"{settings.SITE_URL}/certificate/{certificate.number}/{certificate.code}"
    words = [
        Line("GIZ · Galaxy Inclination Zoo", 90, 480, 14, grey=0.35),
        Line("Certificate", 90, 425, 40, is_bold=True),
        Line(f"Volunteer {certificate.volunteer.public_name}", 90, 375, 20),
        Line(f"has judged the tilt of {certificate.votes:,} galaxies.", 90, 347, 16),
        Line(f"On {certificate.galaxies:,} of them, which others judged too:", 90, 300, 14, grey=0.35),
        Line(f"mean difference from the others  {certificate.offset_text}", 90, 272, 16, is_bold=True),
        Line(f"scatter of single answers  {certificate.scatter_text}", 90, 246, 16, is_bold=True),
        Line(
            "Each answer is compared with the median of the others; their own scatter is in it.", 90, 220, 11, grey=0.35
        ),
        Line(f"Issued on {certificate.day.day} {certificate.day:%B %Y}", 90, 140, 12),
        Line(f"Number {certificate.number}, code {certificate.code}", 90, 120, 12),
        Line(f"Check it at {address}", 90, 100, 11, grey=0.35),
    ]
    rings = [
        Ellipse(690, 440, 70, 70, _GREY, 1.5),
        Ellipse(690, 440, 70, 30, _GOLD, 3),
        Ellipse(690, 440, 4, 4, _GOLD, 8),
    ]
    return pdf_page(f"GIZ certificate {certificate.number}", words, rings)
