"""Access to the staff pages: through the site's own log-in, after required steps, and hidden from volunteers."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.auth.views import LogoutView, redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache

from giz.accounts.second_factor import step_before_staff_pages

_PAGES = ("/staff/", "/metrics")


@never_cache
def staff_login(request: HttpRequest, **_context: Any) -> HttpResponse:
    """Redirect to the site's own log-in: Django's form checks passwords without limits and second factor.

    A volunteer who is logged in gets a 404.
    """
    wanted = request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=False):
        wanted = "/staff/"
    if not request.user.is_authenticated:
        return redirect_to_login(wanted)
    if not admin.site.has_permission(request):
        raise Http404
    return HttpResponseRedirect(wanted)


def staff_password(_request: HttpRequest, **_context: Any) -> HttpResponse:
    """Redirect to the account page, which counts wrong guesses of the old password; Django's form does not."""
    return redirect("account_change_password")


def staff_index(_request: HttpRequest, **_context: Any) -> HttpResponse:
    """Redirect to the dashboard instead of Django's list of tables."""
    return redirect("dashboard:overview")


def guard_staff_site() -> None:
    """Install these views in the admin site; called once, when the apps are ready."""
    views: dict[str, Callable[..., HttpResponseBase]] = {
        "index": staff_index,
        "login": staff_login,
        "logout": LogoutView.as_view(next_page="/"),
        "password_change": staff_password,
        "password_change_done": staff_password,
    }
    for name, view in views.items():
        setattr(admin.site, name, view)


class StaffStepsMiddleware:
    """Sends staff who still have their first password, or superusers without second factor, to that page first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if not path.startswith(_PAGES) or path == reverse("admin:logout"):
            return self.get_response(request)
        step = step_before_staff_pages(request.user)
        if not step:
            return self.get_response(request)
        return HttpResponseRedirect(f"{reverse(step)}?{urlencode({'next': request.get_full_path()})}")
