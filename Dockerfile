# syntax=docker/dockerfile:1
FROM python:3.12-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /venv
COPY requirements/base.txt /tmp/base.txt
RUN /venv/bin/pip install --require-hashes --requirement /tmp/base.txt
WORKDIR /app
COPY . .
# Collects into staticfiles/, compressed and hashed. The secrets made for it stay in this stage.
RUN COLLECT_STATIC=1 DATA_DIR=/tmp/build /venv/bin/python manage.py collectstatic --noinput \
    && /venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /venv /app

FROM python:3.12-slim
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    PORT=8000 \
    DATA_DIR=/data \
    UPLOAD_DIR=/data/uploads
RUN groupadd --gid 10001 anpr \
    && useradd --uid 10001 --gid anpr --no-create-home --home-dir /app --shell /usr/sbin/nologin anpr \
    && install --directory --owner anpr --group anpr --mode 0750 /data /data/uploads
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
USER anpr
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "deploy/probe.py", "/liveness"]
# Alone it is the embedded shape, all in one process; compose.yaml starts the production processes.
CMD ["python", "manage.py", "run"]
