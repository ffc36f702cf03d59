"""Sockets of the signals room."""

from django.urls import path

from signals.delivery.consumers import StreamConsumer

websocket_urlpatterns = [path("ws/stream", StreamConsumer.as_asgi())]
