"""Check the chain of signals and settlements."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Exits with an error at the first link that does not hold."""

    help = "Check that no signal or settlement was changed, removed or inserted afterwards."

    def handle(self, *args: Any, **options: Any) -> None:
        from signals.services.chain import verify_chain

        report = verify_chain()
        if report.first_fault:
            raise CommandError(f"After {report.n_entries} good links: {report.first_fault}.")
        self.stdout.write(f"{report.n_entries} links hold. Head: {report.head}")
