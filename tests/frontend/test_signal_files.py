"""Signals as a file, from the page: for those who may, with a reason for those who may not."""

import csv
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing import api as billing
from billing.models import Trial
from frontend import figures
from tests.accounts.browser import serving
from tests.support.people import alice, charlie, signed_in
from tests.support.records import make_signals

PAGE = "/account/data"


@pytest.fixture(autouse=True)
def no_record_of_before() -> None:
    figures.forget()


def with_trial(user: User, *, days: float) -> User:
    """Give a trial that ends in so many days."""
    ends_at = timezone.now() + timedelta(days=days)
    Trial.objects.add_for(user.pk, started_at=ends_at - timedelta(days=7), ends_at=ends_at)
    return user


@pytest.mark.django_db
def test_the_form_offers_the_origins_there_are_the_current_one_first(settings: Any) -> None:
    settings.MARKET = "replay"
    make_signals(1, timezone.now() - timedelta(days=1), origin="backtest")
    html = signed_in(with_trial(alice(), days=3)).get(PAGE).content.decode()
    form = html.partition("data-signal-file")[0].rpartition("<form")[2]
    assert 'method="get"' in form and 'action="/api/v1/signals/export"' in form
    fields = html.partition("data-signal-file")[2].partition("</form>")[0]
    offered = [part.partition('"')[0] for part in fields.split('<option value="')[1:]]
    assert offered == ["replay", "simulated", "backtest", "csv", "json"]
    assert "data-lock" not in html


@pytest.mark.django_db
@pytest.mark.parametrize("days", [None, -1])
def test_without_a_plan_it_is_locked_with_the_reason_and_the_way(days: float | None) -> None:
    user = charlie(verified=False) if days is None else with_trial(charlie(), days=days)
    html = signed_in(user).get(PAGE).content.decode()
    assert "data-signal-file" not in html and "/api/v1/signals/export" not in html
    section = html.partition('id="file-h"')[2].partition("</section>")[0]
    assert billing.entitlements_for(user.pk).sentence in section
    assert 'aria-disabled="true"' in section and "/ai-trading/plans-pricing" in section
    assert signed_in(user).get("/api/v1/signals/export").status_code == 403


@pytest.mark.django_db
def test_the_comparison_says_who_has_exports(client: Client) -> None:
    html = client.get("/ai-trading/plans-pricing").content.decode()
    row = html.partition('<th scope="row">Exports</th>')[2].partition("</tr>")[0]
    assert row == "<td>No</td><td>Yes</td><td>Yes</td>"


@pytest.fixture
def site(transactional_db: None, redis_url: str, settings: Any) -> Iterator[str]:
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    with serving() as url:
        yield url


@pytest.mark.browser
@pytest.mark.parametrize(("width", "days"), [(360, 3), (1440, 3), (360, -1)])
def test_without_script_the_browser_saves_the_file(
    chromium: Any, site: str, tmp_path: Path, width: int, days: int
) -> None:
    made = make_signals(3, timezone.now() - timedelta(days=1))
    session = signed_in(with_trial(alice(), days=days)).session.session_key
    for has_script in (True, False):  # the rules of access are checked by a script
        context = chromium.new_context(
            base_url=site,
            viewport={"width": width, "height": 900},
            java_script_enabled=has_script,
        )
        context.set_default_timeout(15_000)
        context.add_cookies([{"name": "sessionid", "value": session, "url": site}])
        page = context.new_page()
        page.goto(PAGE)
        if has_script:
            assert Axe().run(page).response["violations"] == []
            wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wide <= 0
        elif days > 0:
            page.get_by_label("Origin").select_option("simulated")
            with page.expect_download() as saving:
                page.get_by_role("button", name="Download signals").click()
            saving.value.save_as(tmp_path / "signals.csv")
            rows = list(csv.DictReader((tmp_path / "signals.csv").open(encoding="utf-8")))
            assert {str(one.pk) for one in made} <= {row["id"] for row in rows}
            assert saving.value.suggested_filename.startswith("signals-simulated-")
        else:
            assert page.get_by_label("Origin").count() == 0
        context.close()
