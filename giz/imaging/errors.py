"""Why an untrusted file can't be used: errors known to both sides of the pipe to the decoding process."""


class UnusableFileError(ValueError):
    """A file that can't be used: a stable code for programs and a sentence for people.

    Its own codes: ``decoder_failed`` (the decoding process crashed), ``decoder_timeout``.
    """

    codes: tuple[str, ...] = ("decoder_failed", "decoder_timeout")

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class PictureError(UnusableFileError):
    """A picture that can't be used.

    Codes: ``image_too_large``, ``image_too_small``, ``bad_aspect``, ``unsupported_type``, ``bad_picture``,
    ``blank_picture``.
    """

    codes = (
        "image_too_large",
        "image_too_small",
        "bad_aspect",
        "unsupported_type",
        "bad_picture",
        "blank_picture",
    )


class FitsError(UnusableFileError):
    """A FITS file that can't be used. Codes: ``bad_fits``, ``fits_too_large``, ``bad_unit``."""

    codes = ("bad_fits", "fits_too_large", "bad_unit")


class DecoderBusyError(Exception):
    """All decoding processes are busy and enough callers wait already."""


class DecoderMissingError(OSError):
    """No decoding process can be started or reached, which is not the file's fault."""
