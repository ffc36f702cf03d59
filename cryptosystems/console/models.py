"""Rights of the console that belong to no table. No rows: the model only carries the names."""

from typing import ClassVar

from django.db import models


class ConsoleRight(models.Model):
    """Carries the console's own rights into Django's permissions."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions: ClassVar = [
            ("export", "Take rows away as a file"),
            ("impersonate", "See pages as a user, read-only"),
            ("act_on_people", "Deactivate, end sessions, revoke tokens"),
            ("grant", "Give and withdraw access"),
            ("see_machine", "See feeds, queues and errors"),
            ("switch", "Turn switches"),
            ("train", "Promote and roll back models"),
            ("replay", "Work events of the payment provider again"),
        ]
