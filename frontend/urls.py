"""Pages."""

from django.urls import path

from frontend.pages import dashboard, marketing, operations

app_name = "frontend"

urlpatterns = [
    path("", marketing.landing, name="landing"),
    path("ai-trading/dashboard", dashboard.dashboard, name="dashboard"),
    path("status", operations.status, name="status"),
]
