"""Pages of certificates: making one's own, and checking anybody's by number and code."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from giz.core.errors import Refused
from labeling.services.certificates import certificate_find, certificate_issue, certificate_pdf


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def my_certificate(request: HttpRequest) -> HttpResponseBase:
    """Make today's certificate; a button, because a link must change nothing."""
    try:
        if request.method == "POST":
            made = certificate_issue(volunteer=request.user)
            return redirect("certificate", number=made.number, code=made.code)
    except Refused as error:
        return render(request, "labeling/my_certificate.html", {"problem": error.detail}, status=error.status)
    return render(request, "labeling/my_certificate.html")


@never_cache
@require_safe
def certificate_check(request: HttpRequest) -> HttpResponseBase:
    """Ask for number and code, and lead to the certificate they name."""
    number, code = request.GET.get("number", "").strip(), request.GET.get("code", "").strip()
    if not number and not code:
        return render(request, "labeling/certificate_check.html")
    found = certificate_find(number=int(number), code=code) if number.isdecimal() and len(number) == 9 else None
    if found is None:
        return render(request, "labeling/certificate_check.html", {"is_unknown": True, "number": number}, status=404)
    return redirect("certificate", number=found.number, code=found.code)


@never_cache
@require_safe
def certificate(request: HttpRequest, number: int, code: str, form: str = "page") -> HttpResponse:
    """A certificate as a page, or as a PDF; for whoever has its number and code."""
    found = certificate_find(number=number, code=code)
    if found is None:
        raise Http404
    if form == "page":
        return render(request, "labeling/certificate.html", {"certificate": found})
    name = f"giz-certificate-{found.number}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(certificate_pdf(found), content_type="application/pdf", headers=headers)
