"""What a reader has read: rows of a person, the session of a visitor."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from django.http import HttpRequest

from frontend.shell import viewer
from learning import api as learning
from learning.contracts import LessonState

_KEPT: Final = "learned"
_READ, _CHECKED = "read", "checked"


def states(request: HttpRequest) -> dict[str, LessonState]:
    """Return by lesson what the reader has read, this session's reading included."""
    found = _of_session(request)
    user_id = _reader(request)
    if user_id is not None:
        for slug, state in learning.states_of(user_id).items():
            held = found.get(slug)
            is_checked = state.is_checked or (held is not None and held.is_checked)
            found[slug] = LessonState(slug, True, is_checked)
    return found


def remember(request: HttpRequest, slug: str, *, is_checked: bool) -> None:
    """Keep that the reader has read a lesson, or answered its questions too.

    What somebody read before they signed in becomes theirs with the first thing they keep.
    """
    user_id = _reader(request)
    known = _of_session(request)
    was_checked = slug in known and known[slug].is_checked
    known[slug] = LessonState(slug, True, is_checked or was_checked)
    if user_id is not None:
        learning.take_over(user_id, known)
        request.session.pop(_KEPT, None)
        return
    request.session[_KEPT] = {
        name: _CHECKED if state.is_checked else _READ for name, state in known.items()
    }


def _reader(request: HttpRequest) -> UUID | None:
    person = viewer(request)[0]
    return None if person is None else person.id


def _of_session(request: HttpRequest) -> dict[str, LessonState]:
    held: Mapping[str, str] = request.session.get(_KEPT, {})
    return {
        slug: LessonState(slug, True, word == _CHECKED)
        for slug, word in held.items()
        if learning.lesson(slug) is not None
    }
