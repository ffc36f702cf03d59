"""`/api/v1/account/…`: what the accounts room answers alone."""

from django.urls import path

from accounts import views

app_name = "accounts"

urlpatterns = [
    path("tokens", views.token_list, name="token-list"),
    path("tokens/<uuid:token_id>", views.token_detail, name="token-detail"),
    path("audit", views.audit_list, name="audit-list"),
]
