"""All addresses."""

from django.contrib import admin
from django.urls import include, path, re_path

from cryptosystems import documentation, health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("api/v1/schema", documentation.SchemaView.as_view(), name="schema"),
    path("api/docs", documentation.DocsView.as_view(), name="docs"),
    path("api/v1/", include("signals.urls")),
    path("api/v1/", include("billing.urls_api")),
    path("api/v1/account/", include("accounts.urls")),
    re_path("^api(?:/|$)", documentation.unknown_address),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("billing/", include("billing.urls")),
    path("", include("frontend.urls")),
]
