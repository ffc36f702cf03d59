#!/usr/bin/env python
"""Django's command line; imports the Celery app so that shared tasks bind to it."""

import os
import sys


def main() -> None:
    """Run a management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cryptosystems.settings.local")
    from django.core.management import execute_from_command_line

    import cryptosystems.celery  # noqa: F401

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
