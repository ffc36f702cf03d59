"""All addresses."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from cryptosystems import documentation, health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("api/v1/schema", documentation.SchemaView.as_view(), name="schema"),
    path("api/docs", documentation.DocsView.as_view(), name="docs"),
    path("api/v1/", include("signals.urls")),
    path("api/v1/", include("trading.urls")),
    path("api/v1/", include("billing.urls_api")),
    path("api/v1/", include("workspace.urls")),
    path("api/v1/account/", include("accounts.urls")),
    re_path("^api(?:/|$)", documentation.unknown_address),
    path("admin/", admin.site.urls),
    # Allauth's own lists stand on our page; it comes back to them after each change.
    path(
        "accounts/2fa/",
        RedirectView.as_view(pattern_name="frontend:security"),
        name="own-factor-list",
    ),
    path(
        "accounts/sessions/",
        RedirectView.as_view(pattern_name="frontend:security"),
        name="own-session-list",
    ),
    path("accounts/", include("allauth.urls")),
    path("billing/", include("billing.urls")),
    path("", include("frontend.urls")),
]

handler429 = "accounts.throttling.too_many"
