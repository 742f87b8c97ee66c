"""Croissant: the metadata of data sets that machine learning tools read (mlcommons.org/croissant, version 1.0)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from giz.labelset.index import index_schema
from giz.labelset.manifest import INDEX_NAME, LABELS_NAME, FileEntry, LabelSetSpec
from giz.labelset.schema import Column

PROJECT_NAME = "Galaxy Inclination Zoo"
LICENSE_URLS = {
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
}
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "samplingRate": "cr:samplingRate",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_DATA_TYPES = {"int64": "sc:Integer", "int32": "sc:Integer", "float64": "sc:Float", "bool": "sc:Boolean"}


def croissant_json(spec: LabelSetSpec, columns: Sequence[Column], files: Sequence[FileEntry]) -> dict[str, Any]:
    """Return the Croissant description of a label set: its files with checksums, its tables with their columns."""
    records = [_records("labels", LABELS_NAME, "one galaxy a record", _label_fields(columns))]
    if spec.bands:
        fields = [(field.name, str(field.type), field.metadata[b"description"].decode()) for field in index_schema()]
        records.append(_records("images", INDEX_NAME, "where each image stands in the arrays", fields))
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": spec.name,
        "alternateName": spec.title,
        "description": spec.description,
        "license": LICENSE_URLS.get(spec.license, spec.license),
        "creator": {"@type": "sc:Organization", "name": PROJECT_NAME},
        "datePublished": str(spec.publication_year),
        "version": "1.0.0",
        "citeAs": f"{PROJECT_NAME} ({spec.publication_year}): {spec.title}",
        "keywords": ["galaxies", "inclination", "spiral galaxies", "citizen science"],
        "isLiveDataset": False,
        "distribution": [_file_object(entry) for entry in files],
        "recordSet": records,
    }


def _file_object(entry: FileEntry) -> dict[str, Any]:
    is_table = entry.path.endswith(".parquet")
    return {
        "@type": "cr:FileObject",
        "@id": entry.path,
        "name": entry.path,
        "contentUrl": entry.path,
        "contentSize": f"{entry.bytes} B",
        "encodingFormat": "application/x-parquet" if is_table else "application/octet-stream",
        "sha256": entry.sha256,
    }


def _label_fields(columns: Sequence[Column]) -> list[tuple[str, str, str]]:
    return [
        (column.name, column.kind, f"{column.description} [{column.unit}]" if column.unit else column.description)
        for column in columns
    ]


def _records(name: str, file_name: str, description: str, fields: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": description,
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{field}",
                "name": field,
                "description": text,
                "dataType": _DATA_TYPES.get(kind, "sc:Text"),
                "source": {"fileObject": {"@id": file_name}, "extract": {"column": field}},
            }
            for field, kind, text in fields
        ],
    }
