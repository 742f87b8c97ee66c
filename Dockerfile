# syntax=docker/dockerfile:1
# One image, `site`, for web, worker and beat (docker-compose.yml says which command each runs), without torch. `trainer`
# is the same with torch, for the worker that trains.

FROM node:22-slim AS frontend
WORKDIR /build
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci --no-fund --no-audit
COPY frontend/ ./
RUN npm run build

FROM python:3.13-slim AS packages
COPY requirements/base.txt /tmp/base.txt
RUN python -m venv /opt/giz \
    && /opt/giz/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/base.txt

FROM python:3.13-slim AS common
RUN useradd --uid 1000 --no-create-home --shell /usr/sbin/nologin giz \
    && install -d -o giz -g giz -m 0750 /data
COPY --from=packages /opt/giz /opt/giz
WORKDIR /app
COPY manage.py ./
COPY giz/ giz/
COPY standards/ standards/
COPY labeling/ labeling/
COPY --from=frontend /build/dist frontend/dist/
RUN /opt/giz/bin/python -m compileall -q giz standards labeling && mkdir static

ENV PATH=/opt/giz/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_ARENA_MAX=2 \
    DJANGO_SETTINGS_MODULE=giz.settings \
    GIZ_HOME=/data \
    STATIC_ROOT=/app/static \
    GRANIAN_HOST=0.0.0.0 \
    GRANIAN_PORT=8000 \
    GRANIAN_WORKERS=2
VOLUME /data

FROM common AS trainer
COPY requirements/ /opt/trainer/requirements/
COPY .ci/torch /opt/trainer/.ci/torch
RUN PY=/opt/giz/bin/python sh /opt/trainer/.ci/torch && rm -rf /root/.cache
USER 1000:1000
HEALTHCHECK NONE

FROM common AS site
USER 1000:1000
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=4 \
    CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# As WEB_OPTIONS of giz/embedded/site.py; a test compares them.
CMD ["granian", "--interface", "rsgi", "--http", "1", "--no-ws", "--http1-header-read-timeout", "30000", \
     "--backlog", "1024", "--backpressure", "4000", "--respawn-failed-workers", "--log-level", "warning", \
     "--workers-kill-timeout", "20", "giz.rsgi:application"]
