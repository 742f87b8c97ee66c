"""Every operation of the OpenAPI schema stands in docs/reference/api.md, and nothing else does."""

import re

from drf_spectacular.generators import SchemaGenerator

from tests.architecture.repository import read

METHODS = {"get", "post", "put", "patch", "delete"}


def test_the_reference_has_every_operation_of_the_schema_and_no_other() -> None:
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    published = {f"{method.upper()} {path}" for path, item in paths.items() for method in METHODS & set(item)}
    written = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /api/[^` ]*)`", read("docs/reference/api.md")))
    # The schema does not describe itself.
    assert written - {"GET /api/v1/schema/", "GET /api/v1/docs/"} == published
