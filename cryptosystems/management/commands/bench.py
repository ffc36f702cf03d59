"""`manage.py bench`: what a message, a close and a frame cost on this machine."""

import json
import logging
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from cryptosystems.kernel.errors import CryptoSystemsError

NAMES: Final = ("ingest", "score", "pipeline", "startup", "crowd", "isolation")


class Command(BaseCommand):
    """Runs one benchmark and prints its figures, or all of them as one JSON object."""

    help = (
        "Measure: ingest (CPU a message), score (CPU a close), pipeline (event to browser), "
        "startup (until ready; takes minutes), crowd (one signal for many accounts), "
        "isolation (accounts whose calls hang)."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", choices=NAMES)
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--symbols", type=int, help="how many symbols (400; startup: 40)")
        parser.add_argument("--messages", type=int, help="ingest: messages a round (60,000)")
        parser.add_argument("--rounds", type=int, help="ingest, score: repeats; medians count")
        parser.add_argument("--seconds", type=float, help="pipeline: how long to watch (20)")
        parser.add_argument("--viewers", type=int, help="pipeline: open sockets (100)")

        parser.add_argument("--users", type=int, help="accounts (crowd: 1,000; isolation: 100)")
        parser.add_argument("--weight", type=int, help="crowd: the address's, a minute (2,400)")

    def handle(self, *args: Any, **options: Any) -> None:
        run, report = _bench(options["name"])
        taken = ("symbols", "messages", "rounds", "seconds", "viewers", "users", "weight")
        given = {name: options[name] for name in taken if options[name] is not None}
        wrong = [name for name, value in given.items() if value <= 0]
        if wrong:
            raise CommandError(f"--{wrong[0]} must be above 0, was {given[wrong[0]]}")
        foreign = sorted(set(given) - set(_arguments(run)))
        if foreign:
            raise CommandError(
                f"bench {options['name']} has no --{foreign[0]}; it takes "
                + (", ".join(f"--{name}" for name in taken if name in _arguments(run)) or "none")
            )
        # A line for every socket opened would drown the figures.
        logging.getLogger("picows").setLevel(logging.WARNING)
        try:
            found = run(**given)
        except (CryptoSystemsError, RuntimeError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(found))
        else:
            self.stdout.write("\n".join(report(found)))


def _arguments(run: Callable[..., Any]) -> tuple[str, ...]:
    code = run.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _bench(name: str) -> tuple[Callable[..., dict[str, Any]], Callable[[Any], list[str]]]:
    """Import one benchmark; the others' parts stay unloaded."""
    __import__(f"cryptosystems.management.benchmarks.{name}")
    module = sys.modules[f"cryptosystems.management.benchmarks.{name}"]
    return module.run, module.report
