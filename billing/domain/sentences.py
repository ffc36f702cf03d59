"""The sentence of each reason code, for the person it is about.

Plain English with named places; services translate and fill them. `gettext_noop` only marks the
text for the tools that collect what is to be translated: this module knows no framework.
"""

from typing import Final


def gettext_noop(text: str) -> str:
    """Mark a sentence for translation and return it as it is."""
    return text


SENTENCES: Final[dict[str, str]] = {
    "staff": gettext_noop("You work here, so everything is open."),
    "visitor": gettext_noop("Sign up to try everything for 7 days, without a card."),
    "account_closed": gettext_noop(
        "This account is closed. Open positions stay managed; write to us to reopen it."
    ),
    "not_verified": gettext_noop("Confirm your e-mail address to start the 7-day trial."),
    "mailbox_had_one": gettext_noop("This mailbox has had its trial. Subscribe to use everything."),
    "disposable_address": gettext_noop(
        "Addresses that live for minutes get no trial. Change your address and write to us, "
        "or subscribe."
    ),
    "trial_not_made": gettext_noop("Your trial is about to start. Load the page again."),
    "trial_running": gettext_noop("Your trial runs until %(until)s."),
    "trial_over": gettext_noop("Your trial ended on %(since)s. Subscribe to go on."),
    "trial_handed_over": gettext_noop("Your trial went over into a subscription."),
    "subscribed": gettext_noop("Your subscription is active."),
    "paid_trial": gettext_noop("You have subscribed. The first payment is taken after the trial."),
    "cancelled_to_period_end": gettext_noop(
        "Your subscription is cancelled and runs until %(until)s."
    ),
    "access_given": gettext_noop("We opened everything for you until %(until)s."),
    "payment_failed": gettext_noop(
        "A payment failed. Everything works until %(until)s; pay the open invoice to keep it so."
    ),
    "payment_owed": gettext_noop(
        "A payment is owed. You can manage and close positions; pay the open invoice to open "
        "new ones."
    ),
    "payment_not_finished": gettext_noop("Your first payment is not finished yet."),
    "paused": gettext_noop(
        "Your subscription is paused. You can manage and close positions; resume it to open "
        "new ones."
    ),
    "disputed": gettext_noop(
        "A payment is disputed at your bank. You can manage and close positions until that is "
        "settled."
    ),
    "refunded": gettext_noop("Your last payment was refunded, so the subscription has ended."),
    "subscription_ended": gettext_noop(
        "Your subscription ended on %(since)s. Subscribe to use everything again."
    ),
}
