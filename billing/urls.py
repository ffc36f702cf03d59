"""Addresses of billing for machines; the pages about it live in the frontend."""

from django.urls import path

from billing import webhooks

app_name = "billing"

urlpatterns = [path("webhook", webhooks.webhook, name="webhook")]
