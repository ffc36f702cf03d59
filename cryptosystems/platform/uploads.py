"""No files are taken anywhere: what comes as one is not kept, and a large one is refused."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler, SkipFile


class NoUploads(FileUploadHandler):
    """Refuses a body that is too large for a form before reading it, and skips every file."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, str],  # Django passes it by this name
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> None:
        """Look at the length alone: Django bounds the fields of a form, but not its files."""
        if content_length > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0):
            raise RequestDataTooBig("The body is larger than any form of ours.")

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Leave the file out."""
        raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep nothing."""

    def file_complete(self, file_size: int) -> None:
        """Give nothing."""
