"""A job whose worker is killed each time, as by the kernel where memory ends; a worker loads it with --include."""

import os
import signal
from pathlib import Path
from typing import Any

from giz.core.jobs import JobContext, job_handler

KIND = "die"


@job_handler(KIND)
def die(job: JobContext) -> dict[str, Any]:
    with Path(job.params["file"]).open("a") as out:
        out.write(f"attempt {job.attempt}\n")
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")
