"""The Celery application: queues default, mail, training and stream, JSON only."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cryptosystems.settings.local")

app = Celery("cryptosystems")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
