"""What the exchange says no with."""


class Refused(Exception):
    """The exchange refuses, with its own code and text; nothing has changed.

    Source: USDⓈ-M Futures, error codes.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
