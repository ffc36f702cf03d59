"""Say in what a person's books and their exchange differ."""

import asyncio
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from accounts import api as accounts
from trading import vault
from trading.executor.compare import compare


class Command(BaseCommand):
    """`manage.py reconcile --user ID`: reads everything, sends nothing, fails if anything differs.

    The executor reconciles by itself; this is for looking at it (docs/runbooks/unresolved-order.md).
    """

    help = "Compare a person's trades with their exchange accounts and print every difference."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", required=True, type=UUID, help="the person's id")

    def handle(self, *args: Any, **options: Any) -> None:
        user_id: UUID = options["user"]
        if accounts.user_by_id(user_id) is None:
            raise CommandError("There is nobody with this id.")
        if not vault.can_open():
            raise CommandError(
                "This process holds no vault key. Run it with the executor's environment "
                "(VAULT_PRIVATE_KEYS)."
            )
        reports = asyncio.run(compare(user_id))
        for report in reports:
            self.stdout.write(
                f"{report.account.venue} {report.account.label} ({report.account.pk})"
            )
            if report.unread:
                self.stdout.write(f"  not compared: {report.unread}")
            elif not report.found:
                self.stdout.write("  the same here and there")
            for one in report.found:
                self.stdout.write(f"  {one.code:14} {one.symbol}: {one.sentence}")
        if not reports:
            self.stdout.write("No account with a key.")
        wrong = sum(len(report.found) + bool(report.unread) for report in reports)
        if wrong:
            raise CommandError(f"{wrong} difference(s) or unread account(s).")
