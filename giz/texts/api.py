"""The API's view of field guides."""

from dataclasses import dataclass
from typing import Annotated

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from giz.core.answers import json_of, schema_of
from giz.core.api import ErrorSerializer, refuse_unknown_query
from giz.core.errors import Refused
from giz.texts.selectors import guide_version, page_html

# A version never changes, but a newer GIZ may render it otherwise.
_A_DAY = "public, max-age=86400"


@dataclass(frozen=True, slots=True)
class FieldGuideAnswer:
    """A version of a field guide."""

    id: int
    title: str
    html: Annotated[str, "clean HTML: no scripts, pictures of this site only"]


class FieldGuideView(APIView):
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="field_guide", responses={200: schema_of(FieldGuideAnswer), 404: ErrorSerializer})
    def get(self, request: Request, version: int) -> Response:
        """A version of a field guide, as a task names it."""
        refuse_unknown_query(request, ())
        found = guide_version(version)
        if found is None:
            raise Refused("not_found", "Not found.", status=404)
        answer = FieldGuideAnswer(found.pk, found.title, page_html(found.markdown))
        return Response(json_of(answer), headers={"Cache-Control": _A_DAY})
