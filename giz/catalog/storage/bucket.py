"""Display files in an S3-compatible bucket, by django-storages. Imported only if S3_BUCKET is set."""

from collections.abc import Callable
from typing import Any, TypeVar

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

from giz.catalog.storage import StorageError

_Result = TypeVar("_Result")
# How long a page waits for a picture; boto3's own timeouts are a minute each.
CONNECT_S, READ_S, ATTEMPTS = 5, 20, 3
MISSING = ("NoSuchKey", "404", "NotFound")


class BucketError(StorageError):
    """The bucket does not answer, or refuses; the message never contains what was sent."""

    def __init__(self, detail: str, code: str = "") -> None:
        super().__init__(detail)
        self.code = code


class BucketStorage(S3Storage):  # type: ignore[misc]
    """A bucket of files named by hashes of their content, so that saving one again changes nothing."""

    def __init__(self, **options: Any) -> None:
        style = "path" if options.get("endpoint_url") else "virtual"
        config = Config(
            s3={"addressing_style": style},
            signature_version="s3v4",
            connect_timeout=CONNECT_S,
            read_timeout=READ_S,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        )
        super().__init__(
            client_config=config,
            default_acl=None,
            file_overwrite=True,
            object_parameters={
                "ContentType": "image/webp",
                "CacheControl": "public, max-age=31536000, immutable",
            },
            **options,
        )

    def exists(self, name: str) -> bool:
        return _asked(lambda: bool(super(BucketStorage, self).exists(name)))

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        folders, names = _asked(lambda: super(BucketStorage, self).listdir(name))
        return folders, names

    def _save(self, name: str, content: Any) -> str:
        return _asked(lambda: str(super(BucketStorage, self)._save(name, content)))

    def _open(self, name: str, mode: str = "rb") -> Any:
        """Fetch the whole file in one request; django-storages would take three, and raise errors later, on reading."""
        try:
            return ContentFile(_asked(lambda: self._fetch(name)), name=name)
        except BucketError as error:
            if error.code in MISSING:
                raise FileNotFoundError(name) from None
            raise

    def _fetch(self, name: str) -> bytes:
        key = self._normalize_name(clean_name(name))
        body: bytes = self.connection.meta.client.get_object(Bucket=self.bucket_name, Key=key)["Body"].read()
        return body


def _asked(request: Callable[[], _Result]) -> _Result:
    try:
        return request()
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "unknown"))[:60]
        raise BucketError(f"the bucket refuses ({code})", code) from None
    except BotoCoreError as error:
        raise BucketError(f"the bucket does not answer ({type(error).__name__})") from None
