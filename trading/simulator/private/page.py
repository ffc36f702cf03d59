"""`/sim/keys`: accounts and keys by hand, as on the exchange's own API Management page.

Plain HTML without a script. It answers on loopback only, and takes forms of its own only.
"""

import ipaddress
from decimal import Decimal
from html import escape
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from cryptosystems.kernel.clock import to_datetime
from trading.simulator.private.account import ExchangeAccount
from trading.simulator.private.keys import ED25519, HMAC, RIGHTS, USUAL, ApiKey
from trading.simulator.private.side import PrivateSide

_CENT: Final = Decimal("0.01")
_LABELS: Final = {
    "reading": "Enable Reading",
    "futures": "Enable Futures",
    "withdrawals": "Enable Withdrawals",
    "internal_transfer": "Enable Internal Transfer",
    "universal_transfer": "Permits Universal Transfer",
    "spot_and_margin": "Enable Spot & Margin Trading",
    "margin_loans": "Enable Margin Loan, Repay & Transfer",
    "options": "Enable European Options",
    "portfolio_margin": "Enable Portfolio Margin Trading",
}
_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;margin:0;background:#f6f6f2;color:#22221e}
header{background:#3b3b34;color:#fff;padding:14px 24px}
header p{margin:2px 0 0;color:#e4e4da}
main{max-width:880px;margin:0 auto;padding:20px 24px}
section{background:#fff;border:1px solid #d6d6cb;border-radius:6px;padding:14px 18px;margin:0 0 18px}
h1{font-size:20px;margin:0}h2{font-size:17px;margin:0 0 8px}h3{font-size:15px;margin:16px 0 6px}
code{font:13px ui-monospace,monospace;overflow-wrap:anywhere;background:#f0f0ea;padding:1px 4px}
label{display:block;margin:6px 0}label.box{display:inline-block;margin:2px 16px 2px 0}
input[type=text],select,textarea{font:inherit;width:100%;box-sizing:border-box;padding:5px}
textarea{font:13px ui-monospace,monospace;height:5.5em}
fieldset{border:1px solid #d6d6cb;border-radius:4px;margin:8px 0}
button{font:inherit;padding:5px 14px;margin:4px 6px 0 0;cursor:pointer}
.told{border-left:4px solid #2f6f4f}.wrong{border-left:4px solid #a33a2a}
"""


def is_loopback(request: web.Request) -> bool:
    """Say whether a request comes from this machine and was meant for it."""
    try:
        if not ipaddress.ip_address(request.remote or "").is_loopback:
            return False
    except ValueError:
        return False
    host = urlsplit(f"//{request.host}").hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_own(request: web.Request) -> bool:
    """Say whether a form comes from this page and not from another site."""
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


class KeyPage:
    """The page and its forms."""

    def __init__(self, side: PrivateSide) -> None:
        self._side = side

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Show the page; work a form first if one was sent."""
        if not is_loopback(request):
            raise web.HTTPForbidden(text="This page answers on this machine only.")
        told = ""
        if request.method == "POST":
            if not _is_own(request):
                raise web.HTTPForbidden(text="This form comes from another site.")
            form = await request.post()
            fields = {name: form.getall(name) for name in form}
            try:
                told = self._work({n: [str(v) for v in vs] for n, vs in fields.items()})
            except ValueError as error:
                told = f'<section class="wrong" role="alert">{escape(str(error))}</section>'
            self._side.book.keep()
        text = self._page(told)
        headers = {
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
            "form-action 'self'; frame-ancestors 'none'",
            "Cache-Control": "no-store",
        }
        return web.Response(text=text, content_type="text/html", headers=headers)

    # --- forms --------------------------------------------------------------------------------

    def _work(self, form: dict[str, list[str]]) -> str:
        def one(name: str) -> str:
            return form.get(name, [""])[0].strip()

        book, act = self._side.book, one("act")
        if act == "open":
            account = book.open(label=one("label"))
            self._side.watch(account)
            return _told(f"Account {account.uid} is open, with 10,000 USDT.")
        if act == "delete":
            key = book.drop_key(one("api_key"))
            return _told(f"The key “{key.label or key.api_key[:8]}” is deleted.")
        chosen = {
            "label": one("label"),
            "rights": form.get("right", []),
            "addresses": one("addresses").replace(",", " ").split(),
        }
        if act == "edit":
            key = book.alter_key(one("api_key"), chosen)
            return _told(f"The key “{key.label or key.api_key[:8]}” is changed.")
        if act != "create":
            raise ValueError("this form asks for nothing that is known here")
        order = {**chosen, "kind": one("kind"), "public_key": one("public_key")}
        key = book.add_key(one("uid"), order, self._side.now_ms())
        secret = ""
        if key.kind == HMAC:
            secret = (
                "<p>Secret key, shown this once: "
                f'<code id="secret-key">{escape(key.secret)}</code></p>'
            )
        return _told(f'API key: <code id="new-key">{escape(key.api_key)}</code>{secret}', raw=True)

    # --- the page -----------------------------------------------------------------------------

    def _page(self, told: str) -> str:
        accounts = "".join(self._account(a) for a in self._side.book.accounts.values())
        return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>Simulated exchange: API management</title><style>{_STYLE}</style></head><body>
<header><h1>Simulated exchange: API management</h1>
<p>Not Binance. Play money on this machine; keys made here work nowhere else.</p></header>
<main>{told}{accounts}
<section><h2>Open an account</h2><form method="post" action="/sim/keys">
<input type="hidden" name="act" value="open">
<label>Name <input type="text" name="label" maxlength="60"></label>
<button>Open account with 10,000 USDT</button></form></section></main></body></html>"""

    def _account(self, account: ExchangeAccount) -> str:
        uid, name = escape(account.uid), escape(account.label)
        keys = "".join(self._key(key) for key in self._side.book.keys_of(account.uid))
        return f"""<section><h2>Account {uid} {name}</h2>
<p>Wallet {account.wallet.quantize(_CENT):,} USDT</p>{keys}
<h3>Create API</h3><form method="post" action="/sim/keys">
<input type="hidden" name="act" value="create"><input type="hidden" name="uid" value="{uid}">
<label>Type <select name="kind"><option value="{ED25519}">Self-generated (Ed25519)</option>
<option value="{HMAC}">System generated (HMAC)</option></select></label>
<label>Public key, for a self-generated one
<textarea name="public_key" placeholder="-----BEGIN PUBLIC KEY-----"></textarea></label>
{_fields("", USUAL, ())}<button>Create API</button></form></section>"""

    @staticmethod
    def _key(key: ApiKey) -> str:
        kind = "Ed25519" if key.kind == ED25519 else "HMAC"
        made = f"{to_datetime(key.created_ms):%Y-%m-%d %H:%M} UTC"
        hidden = f'<input type="hidden" name="api_key" value="{escape(key.api_key)}">'
        return f"""<h3>{escape(key.label) or "API key"} ({kind}, {made})</h3>
<p>API key: <code>{escape(key.api_key)}</code></p>
<form method="post" action="/sim/keys"><input type="hidden" name="act" value="edit">{hidden}
{_fields(key.label, key.rights, key.addresses)}<button>Save</button></form>
<form method="post" action="/sim/keys"><input type="hidden" name="act" value="delete">{hidden}
<button>Delete</button></form>"""


def _fields(label: str, rights: frozenset[str], addresses: tuple[str, ...]) -> str:
    boxes = "".join(
        f'<label class="box"><input type="checkbox" name="right" value="{name}"'
        f"{' checked' if name in rights else ''}> {escape(_LABELS[name])}</label>"
        for name in RIGHTS
    )
    return f"""<label>Label <input type="text" name="label" value="{escape(label)}" maxlength="60">
</label><fieldset><legend>API restrictions</legend>{boxes}</fieldset>
<label>Restrict access to trusted IPs only (leave empty: unrestricted)
<input type="text" name="addresses" value="{escape(" ".join(addresses))}">
</label>"""


def _told(text: str, *, raw: bool = False) -> str:
    return f'<section class="told" role="status">{text if raw else escape(text)}</section>'
