"""GET standard-sets/<id>/: one immutable document a set version."""

from typing import Any

from django.utils.cache import get_conditional_response
from django.utils.decorators import method_decorator
from django.views.decorators.gzip import gzip_page
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from giz.core.api import refuse_unknown_query
from standards import selectors


# Public, the same for everybody and without secrets: compressing it gives nothing away.
@method_decorator(gzip_page, name="dispatch")
class StandardSetView(APIView):
    """The standards of one published version of a set, with the names of their pictures. Never changes: cache it."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    class OutputSerializer(serializers.Serializer[Any]):
        class StandardSerializer(serializers.Serializer[Any]):
            id = serializers.IntegerField()
            bin_deg = serializers.IntegerField(min_value=45, max_value=90)
            rotation_deg = serializers.FloatField(help_text="turn the picture clockwise by this before it is shown")
            zoom = serializers.FloatField(help_text="magnification relative to the panel's default crop")
            images = serializers.DictField(
                child=serializers.CharField(), help_text="stem by band (gri, g, r, i); bands may be missing"
            )
            sizes_px = serializers.ListField(
                child=serializers.IntegerField(), required=False, help_text="only where it differs from the set's"
            )

        id = serializers.IntegerField()
        name = serializers.CharField()
        version = serializers.IntegerField()
        sizes_px = serializers.ListField(child=serializers.IntegerField(), help_text="sizes that every picture has")
        image_path = serializers.CharField(help_text="address of a picture, with {stem} and {size}")
        standards = StandardSerializer(many=True)

    @extend_schema(operation_id="standard_set", responses=OutputSerializer, auth=[])
    def get(self, request: Request, set_id: int) -> Any:
        refuse_unknown_query(request, [])
        standard_set = selectors.published_set(set_id)
        if standard_set is None:
            raise NotFound
        etag = f'"{standard_set.pk}-{standard_set.digest[:32]}"'
        answer: Any = get_conditional_response(request._request, etag=etag)
        if answer is None:
            answer = Response(selectors.set_document(standard_set), headers={"ETag": etag})
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return answer
