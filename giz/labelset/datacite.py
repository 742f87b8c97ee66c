"""DataCite 4 metadata, ready for a repository to add its DOI; nobody is named, the project stands as the creator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from giz.labelset.croissant import LICENSE_URLS, PROJECT_NAME
from giz.labelset.manifest import SCHEMA_VERSION, FileEntry, LabelSetSpec


def datacite_json(spec: LabelSetSpec, files: Sequence[FileEntry], counts: dict[str, Any]) -> dict[str, Any]:
    """Return the properties that DataCite asks for (all but the DOI), as its JSON schema has them."""
    rights: dict[str, Any] = {"rights": spec.license, "rightsIdentifier": spec.license.lower()}
    if spec.license in LICENSE_URLS:
        rights |= {"rightsUri": LICENSE_URLS[spec.license], "rightsIdentifierScheme": "SPDX"}
    total_bytes = sum(entry.bytes for entry in files)
    return {
        "schemaVersion": "http://datacite.org/schema/kernel-4",
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Label set of galaxies"},
        "creators": [{"name": PROJECT_NAME, "nameType": "Organizational"}],
        "titles": [{"title": spec.title, "lang": "en"}],
        "publisher": {"name": PROJECT_NAME},
        "publicationYear": str(spec.publication_year),
        "subjects": [
            {"subject": "Spiral galaxies", "subjectScheme": "Unified Astronomy Thesaurus"},
            {"subject": "Inclination", "subjectScheme": "Unified Astronomy Thesaurus"},
            {"subject": "Astronomy citizen science"},
        ],
        "language": "en",
        "descriptions": [{"description": spec.description, "descriptionType": "Abstract", "lang": "en"}],
        "rightsList": [rights],
        "sizes": [f"{counts['galaxies']} galaxies", f"{total_bytes} bytes"],
        "formats": ["application/vnd.apache.parquet", *(["application/x-npy"] if spec.bands else [])],
        "version": f"format {SCHEMA_VERSION}",
        "alternateIdentifiers": [{"alternateIdentifier": spec.name, "alternateIdentifierType": "GIZ label set"}],
    }
