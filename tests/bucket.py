"""A server on this machine that speaks S3, an empty bucket on it, and settings that use it."""

import logging

import pytest

KEY, SECRET = "an-access-key", "a-secret-that-no-page-shows"


@pytest.fixture(scope="session")
def bucket_server():
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def store(bucket_server):
    """An empty bucket, as its owner sees it."""
    import boto3

    owner = boto3.resource(
        "s3", endpoint_url=bucket_server, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="us-east-1"
    )
    bucket = owner.create_bucket(Bucket="galaxies")
    yield bucket
    bucket.objects.all().delete()
    bucket.delete()


@pytest.fixture
def use_bucket(settings, bucket_server):
    """Turn the settings to a bucket of that server."""

    def turn(*, name="galaxies", endpoint=bucket_server):
        options = {
            "bucket_name": name,
            "location": "giz",
            "endpoint_url": endpoint,
            "region_name": "us-east-1",
            "access_key": KEY,
            "secret_key": SECRET,
        }
        bucket = {"BACKEND": "giz.catalog.storage.bucket.BucketStorage", "OPTIONS": options}
        settings.STORAGES = {**settings.STORAGES, "default": bucket}

    return turn
