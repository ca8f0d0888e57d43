# Duely's workers and one-shots. Holds no Temporal server: a container talks to the one TEMPORAL_ADDRESS names.

FROM python:3.11.14-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    DUELY_VAR=/var/lib/duely

WORKDIR /app

# Packages first: they change less often than the code. Runtime only; linters and test tools stay out.
COPY docker/requirements.lock docker/requirements.lock
RUN pip install --require-hashes --requirement docker/requirements.lock

COPY . .
RUN pip install --no-deps --editable . \
    && python -m compileall -q activities adapters cli domain gateway schemas settings.py workers workflows \
    && useradd --system --uid 10001 --home-dir /var/lib/duely --create-home duely

USER duely
VOLUME /var/lib/duely
ENTRYPOINT ["duely"]
CMD ["worker"]
