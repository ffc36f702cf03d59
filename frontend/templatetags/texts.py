"""The texts that the modules of a page need in its language."""

from django import template
from django.utils.html import json_script
from django.utils.safestring import SafeString

from frontend.texts import texts_of_scripts

register = template.Library()


@register.simple_tag
def script_texts() -> SafeString | str:
    """Return them as data of the page; nothing in English."""
    texts = texts_of_scripts()
    return "" if texts is None else json_script(texts, "texts")
