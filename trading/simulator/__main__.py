"""`python -m trading.simulator`: the exchange without the rest of the product around it."""

import sys
from argparse import ArgumentParser

from cryptosystems.kernel.errors import InvalidInput
from trading.simulator.running import Runner, add_arguments


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = ArgumentParser(prog="python -m trading.simulator")
    add_arguments(parser)
    try:
        Runner(vars(parser.parse_args()), say).run()
    except InvalidInput as error:
        parser.error(str(error))
