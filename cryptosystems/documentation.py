"""The API's own description, and the page that shows it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiJsonRenderer2
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from cryptosystems.platform.http import plain_problem
from cryptosystems.platform.scopes import SIGNALS, Access


class SchemaView(SpectacularAPIView):
    """OpenAPI 3.1 as JSON."""

    access = Access(SIGNALS, is_public=True, query=frozenset())
    renderer_classes = [OpenApiJsonRenderer, OpenApiJsonRenderer2]


class DocsView(SpectacularSwaggerSplitView):
    """The description as a page to try things on, from our own origin."""

    access = Access(SIGNALS, is_public=True, query=frozenset({"script"}))
    template_name = "cryptosystems/api_docs.html"
    url_name = "schema"

    def handle_exception(self, error: Exception) -> Response:
        """Answer an error as JSON: the page's template has no words for it."""
        answer: Any = super().handle_exception(error)
        self.request.accepted_renderer = JSONRenderer()
        self.request.accepted_media_type = "application/json"
        return answer  # type: ignore[no-any-return]


@csrf_exempt
def unknown_address(request: HttpRequest) -> HttpResponse:
    """Answer for every other address below `/api/`: in JSON, whatever the method."""
    return plain_problem(404)
