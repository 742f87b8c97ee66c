"""The look and the menu of the staff pages: django-unfold's settings."""

from typing import Any

# From light to dark, shades 50 to 950.
_GOLD = ["fefaeb", "fcf1c9", "f9e290", "f6d262", "f4c84a", "d9a51f", "8a6100", "734f00", "5c3f00", "4a3300", "2b1d00"]


def _group(title: str, *entries: tuple[str, str, str]) -> dict[str, Any]:
    """Return a group of the menu from entries of title, icon and address below /staff/."""
    items = [{"title": name, "icon": icon, "link": f"/staff/{page}/"} for name, icon, page in entries]
    return {"title": title, "separator": True, "items": items} if title else {"items": items}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "GIZ staff",
    "SITE_HEADER": "GIZ staff",
    "SITE_URL": "/",
    "SITE_ICON": "/favicon.svg",
    "SITE_FAVICONS": [{"rel": "icon", "href": "/favicon.svg", "type": "image/svg+xml"}],
    "STYLES": ["/static/accounts/staff.css"],
    "COLORS": {
        "primary": {
            str(shade): f"#{colour}" for shade, colour in zip((50, *range(100, 1000, 100), 950), _GOLD, strict=True)
        }
    },
    "SIDEBAR": {
        "navigation": [
            _group("", ("Dashboard", "monitoring", "dashboard")),
            _group(
                "Labelling",
                ("Campaigns", "flag", "labeling/campaign"),
                ("Targets", "target", "labeling/target"),
                ("Tasks", "hourglass_top", "labeling/task"),
                ("Votes", "how_to_vote", "labeling/vote"),
                ("Consensus", "handshake", "labeling/consensus"),
                ("Label sets", "inventory_2", "labeling/labelset"),
                ("Volunteers", "visibility", "labeling/volunteer"),
                ("Suspicions", "person_alert", "labeling/suspicion"),
                ("Practice", "school", "labeling/practiceround"),
                ("Certificates", "workspace_premium", "labeling/certificate"),
                ("People", "group", "accounts/user"),
            ),
            _group(
                "Sky",
                ("Galaxies", "cyclone", "catalog/galaxy"),
                ("Pictures", "image", "catalog/galaxyimage"),
                ("Shapes", "architecture", "catalog/galaxyshape"),
                ("Revisions", "history", "catalog/galaxyrevision"),
                ("Identifiers", "badge", "catalog/galaxyidentifier"),
                ("Standard sets", "straighten", "standards/standardset"),
                ("Proposals", "rate_review", "standards/proposal"),
                ("Standards", "linear_scale", "standards/standard"),
                ("Synthetic truth", "science", "catalog/synthetictruth"),
                ("Predictions", "query_stats", "inference/prediction"),
            ),
            _group(
                "Networks",
                ("Trainings", "model_training", "training/trainingrun"),
                ("Networks", "neurology", "training/modelversion"),
                ("Promotions", "trending_up", "training/promotion"),
            ),
            _group(
                "House",
                ("Texts", "article", "texts/textversion"),
                ("Text pictures", "imagesmode", "texts/textpicture"),
                ("Jobs", "build", "core/job"),
                ("Job log", "notes", "core/joblogline"),
                ("Schedule", "schedule", "django_celery_beat/periodictask"),
                ("Access tokens", "key", "accounts/accesstoken"),
                ("Audit trail", "fact_check", "core/auditevent"),
            ),
        ]
    },
}
