"""What accounts whose calls hang cost all the others: two signals in one run, without and beside them.

Of a crowd at the simulated exchange a tenth has every call hang for longer than the executor waits.
Only the ratio of the others' delays counts; both are of the same run and the same accounts.
"""

from typing import Any, Final

from cryptosystems.kernel.errors import InvalidInput
from cryptosystems.management.benchmarks.crowd import BOUNDLESS, crowd
from cryptosystems.management.benchmarks.measure import machine

USERS: Final = 100
SLOW: Final = 0.1
_SIGNALS: Final = 4


def run(*, users: int = USERS) -> dict[str, Any]:
    """Measure the others' delay without and beside accounts that hang.

    Raises
    ------
    ChildFailed
        If a process ends early.
    InvalidInput
        If one of the others did not enter, or no call hung: then there is nothing to compare.
    """
    slow = max(1, int(users * SLOW))
    found = crowd("simulated", users, BOUNDLESS, slow=slow, signals=_SIGNALS)
    for name in ("without", "beside"):
        if found[name]["entries"] != found["others"]:
            raise InvalidInput(f"{name}: {found[name]['entries']} of {found['others']} entered")
    if found["calls_that_hung"] < slow:
        raise InvalidInput("the calls that should hang did not")
    ratios = {
        f"{what}_{share}": round(
            found["beside"][f"{what}_ms"][share] / found["without"][f"{what}_ms"][share], 3
        )
        for what in ("entry", "stop")
        for share in ("p50", "p99")
    }
    return {"bench": "isolation", **machine(), "users": users, **found, "ratios": ratios}


def report(found: dict[str, Any]) -> list[str]:
    """Return the figures as lines for people."""
    lines = [
        f"{found['users']} accounts, the calls of {found['slow']} hang "
        f"({found['calls_that_hung']} calls); delays of the other {found['others']}"
    ]
    for what, title in (("entry", "signal to entry"), ("stop", "signal to stop of position")):
        without, beside = found["without"][f"{what}_ms"], found["beside"][f"{what}_ms"]
        for share in ("p50", "p99"):
            lines.append(
                f"  {title:28} {share} {without[share] / 1000:7.2f} s without, "
                f"{beside[share] / 1000:7.2f} s beside: {found['ratios'][f'{what}_{share}']:.2f} ×"
            )
    return lines
