"""The web process never imports torch: neither with its addresses nor when a training is started or looked at."""

import subprocess
import sys

CODE = """
import sys
import giz.wsgi
from django.urls import get_resolver
from django.contrib import admin
get_resolver().url_patterns
admin.autodiscover()
from django.urls import reverse
reverse("training-runs")
import giz.training.jobs, giz.training.services.gating, giz.training.services.registry
print(sorted(name for name in ("torch", "onnx", "onnxruntime") if name in sys.modules))
"""


def test_a_web_process_has_no_torch_in_it() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
