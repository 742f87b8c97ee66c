"""The one way in which a label set says no."""


class LabelSetError(ValueError):
    """A label set that can't be written or must not be used: a stable code for programs, a sentence for people.

    Codes of writing: ``exists``, ``in_use``, ``other_settings``, ``bad_columns``, ``bad_row``, ``bad_image``,
    ``address_found``, ``unknown_format``. Codes of reading: ``not_a_label_set``, ``bad_manifest``, ``unsafe_path``,
    ``missing_file``, ``wrong_size``, ``wrong_sha256``, ``bad_labels``, ``duplicate_galaxies``, ``bad_split``,
    ``bad_images``, ``no_image``.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
