"""A no, with its stable code and a sentence for the person."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Denied:
    """Why something is not done."""

    code: str
    sentence: str
