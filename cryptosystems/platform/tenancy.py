"""The tenant wall: rows that belong to someone are reached only through their owner.

`objects` of a tenant model answers `for_user(user_id)`; whoever needs rows of all tenants (the
staff console, a background job) says so with a reason, so that a search finds every such place.
Anything else raises, instead of quietly returning everybody's rows.
"""

from typing import Any, ClassVar, Generic, NoReturn, Self, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import models

M = TypeVar("M", bound=models.Model)


class TenantWall(RuntimeError):
    """A query for tenant data did not start from its user."""


class TenantManager(models.Manager[M], Generic[M]):
    """The only way to rows of a tenant model."""

    def for_user(self, user_id: UUID) -> models.QuerySet[M]:
        """Return the rows of one user, and nobody else's."""
        return self._rows().filter(user_id=user_id)

    def add_for(self, user_id: UUID, **fields: Any) -> M:
        """Store a new row of this user."""
        return self._rows().create(user_id=user_id, **fields)

    def across_tenants(self, reason: str) -> models.QuerySet[M]:
        """Return everybody's rows, for a job or a console that names itself."""
        if not reason:
            raise TenantWall("say which job or console reads across tenants")
        return self._rows()

    def get_queryset(self) -> models.QuerySet[M]:
        return self._raise()

    def _rows(self) -> models.QuerySet[M]:
        return models.QuerySet(self.model, using=self._db)

    def _raise(self) -> NoReturn:
        raise TenantWall(
            f"{self.model.__name__} belongs to someone: use objects.for_user(user_id), or "
            "objects.across_tenants(reason) in a job or the staff console"
        )


class TenantModel(models.Model):
    """A row that belongs to one user and goes when the user goes."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        abstract = True
