"""Answers of the account pages that allauth leaves to us."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def too_many_requests(request: HttpRequest, exception: Exception | None = None, retry_after: int = 60) -> HttpResponse:
    """429 with the wait in words and in Retry-After; allauth's own limits end here too (``handler429``)."""
    minutes = max(1, round(retry_after / 60))
    response = render(request, "account/too_many_requests.html", {"minutes": minutes}, status=429)
    response["Retry-After"] = str(retry_after)
    return response


def mail_unavailable(request: HttpRequest) -> HttpResponse:
    """503: the mail server does not take our mail; said to known and unknown addresses alike."""
    response = render(request, "account/mail_unavailable.html", status=503)
    response["Retry-After"] = "300"
    return response
