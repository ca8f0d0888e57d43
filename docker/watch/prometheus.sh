#!/bin/sh
# Prometheus reads a bearer token from a file only: it is written here, from the environment, where nobody else reads.
set -eu

umask 077
printf %s "$DUELY_METRICS_KEY" >/prometheus/metrics.key
exec prometheus --config.file=/etc/prometheus/prometheus.yml --storage.tsdb.path=/prometheus --storage.tsdb.retention.time=90d
