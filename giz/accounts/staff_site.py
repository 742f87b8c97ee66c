"""The doors of the staff pages: the site's own log-in (limits, second factor), and nothing to see for volunteers."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.auth.views import LogoutView, redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache


@never_cache
def staff_login(request: HttpRequest, **_context: Any) -> HttpResponse:
    """Django's own form would look at passwords without limits and without the second factor: it is never shown.

    A volunteer who is logged in is told that there is no such page.
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
    """The account page: it counts wrong guesses of the old password, Django's own form does not."""
    return redirect("account_change_password")


def staff_index(_request: HttpRequest, **_context: Any) -> HttpResponse:
    """The dashboard is the first page of staff; a list of tables would be a second one."""
    return redirect("dashboard:overview")


def guard_staff_site() -> None:
    """Put these doors into the admin site; called once, when the apps are ready."""
    doors: dict[str, Callable[..., HttpResponseBase]] = {
        "index": staff_index,
        "login": staff_login,
        "logout": LogoutView.as_view(next_page="/"),
        "password_change": staff_password,
        "password_change_done": staff_password,
    }
    for name, door in doors.items():
        setattr(admin.site, name, door)
