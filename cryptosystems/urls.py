"""All addresses."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from cryptosystems import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    path(
        "api/docs",
        SpectacularSwaggerSplitView.as_view(
            url_name="schema", template_name="cryptosystems/api_docs.html"
        ),
        name="docs",
    ),
    path("api/v1/", include("signals.urls")),
    path("admin/", admin.site.urls),
    # Allauth's own lists stand on our page; it comes back to them after each change.
    path("accounts/2fa/", RedirectView.as_view(pattern_name="frontend:security")),
    path("accounts/sessions/", RedirectView.as_view(pattern_name="frontend:security")),
    path("accounts/", include("allauth.urls")),
    path("", include("frontend.urls")),
]

handler429 = "accounts.throttling.too_many"
