"""Make a pair of vault keys."""

import base64
from argparse import ArgumentParser
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """`manage.py vault_keys NAME`: prints both settings; nothing is stored."""

    help = "Print a new VAULT_PUBLIC_KEY and its VAULT_PRIVATE_KEYS entry."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the key's id, as 2026-11; a new one for each rotation")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        if not name.replace("-", "").isalnum() or len(name) > 20:
            raise CommandError("The id is up to 20 letters, digits and hyphens.")
        private = X25519PrivateKey.generate()
        public = private.public_key().public_bytes_raw()
        self.stdout.write("# every process:")
        self.stdout.write(f"VAULT_PUBLIC_KEY={name}:{base64.b64encode(public).decode()}")
        self.stdout.write("# the executor alone; older entries stay behind it until rotate_keys:")
        text = base64.b64encode(private.private_bytes_raw()).decode()
        self.stdout.write(f"VAULT_PRIVATE_KEYS={name}:{text}")
