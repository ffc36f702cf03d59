"""Which passwords are refused: too long, the site's own words, the person's own address."""

from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

MOST: Final = 128
SITE_WORDS: Final = (
    "cryptosystems",
    "cryptosystem",
    "binance",
    "bitcoin",
    "ethereum",
    "btcusdt",
    "futures",
    "trading",
    "signals",
    "password",
)


class NotTooLong:
    """Bounds the work a password can cause."""

    def validate(self, password: str, user: Any = None) -> None:
        """Refuse more than 128 characters."""
        if len(password) > MOST:
            raise ValidationError(
                ngettext(
                    "Use at most %(most)d character.", "Use at most %(most)d characters.", MOST
                )
                % {"most": MOST},
                code="password_too_long",
            )

    def get_help_text(self) -> str:
        """Say the rule."""
        return _("At most 128 characters.")


class NotSiteWords:
    """Refuses what anybody would try first on this site."""

    def validate(self, password: str, user: Any = None) -> None:
        """Refuse a password that is little more than a word of the site or the own address."""
        words = list(SITE_WORDS)
        email = str(getattr(user, "email", "") or "").lower()
        if email:
            words += [email, email.partition("@")[0]]
        rest = password.lower()
        for word in sorted((word for word in words if len(word) >= 4), key=len, reverse=True):
            rest = rest.replace(word, "")
        letters = "".join(dict.fromkeys(letter for letter in rest if letter.isalpha()))
        if rest != password.lower() and len(letters) < 4:
            raise ValidationError(
                _("This is close to a word of this site or to your address. Choose another one."),
                code="password_site_word",
            )

    def get_help_text(self) -> str:
        """Say the rule."""
        return _("Not a word of this site, and not your address.")
