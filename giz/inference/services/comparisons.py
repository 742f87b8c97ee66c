"""A galaxy of the Predict page laid out for the comparison, to be judged by one's own eye; nothing is stored."""

from __future__ import annotations

import secrets
from typing import Any

from giz.catalog.storage import IMAGE_PATH
from giz.core.errors import Refused
from giz.inference import selectors
from giz.inference.models import Source
from giz.inference.services.documents import picture_urls
from labeling.pools import set_pools


def comparison_document(source: Source) -> dict[str, Any]:
    """What the comparison page needs, in the shape of a task; its standards are those shown beside the answer.

    It is no task: nobody leases it and no vote can be given for it, for who has read the network's answer is no
    independent judge any more.

    Raises
    ------
    Refused
        ``not_ready``: the source has no pictures (yet). ``no_standards``: there is no standard set to compare with.
    """
    if source.state != Source.State.READY:
        raise Refused("not_ready", "This galaxy has no pictures yet. Ask again once it was fetched.", status=409)
    campaign = selectors.open_campaign(source.galaxy) if source.galaxy else None
    standard_set = selectors.ruler(campaign)
    if standard_set is None or not set_pools(standard_set.pk).has_enough_panels:
        raise Refused("no_standards", "There are no standards here to compare a galaxy with.", status=404)
    pools = set_pools(standard_set.pk).for_target(source.galaxy_id or 0)
    orders = pools.orders(secrets.randbits(62))
    return {
        "id": source.pk,
        "campaign": "",
        "standard_set": standard_set.pk,
        "due_at": source.expires_at,
        "target": _target(source),
        "sources": {str(nominal): filled_by for nominal, filled_by in pools.sources.items()},
        "orders": {str(bin_deg): orders[bin_deg] for bin_deg in orders},
    }


def _target(source: Source) -> dict[str, Any]:
    label = source.name or (f"PGC {source.pgc}" if source.pgc else "Your galaxy")
    if source.galaxy is not None:
        images = selectors.current_images(source.galaxy)
        shown = {band: images[band] for band in source.bands if band in images}
        sizes = [set(image.sizes_px) for image in shown.values()]
        stems = {band: image.stem for band, image in shown.items()}
        common_px = sorted(set.intersection(*sizes)) if sizes else []
        return {"label": label, "images": stems, "sizes_px": common_px, "image_path": IMAGE_PATH}
    # Pictures of a source have one size, and addresses of their own.
    return {"label": label, "images": picture_urls(source), "sizes_px": [source.size_px], "image_path": "{stem}"}
