#!/bin/sh
# Waits until the server is healthy, not only listening, and makes the namespace. `duely init` does the rest.
set -eu

tries=0
until temporal operator cluster health >/dev/null 2>&1; do
    tries=$((tries + 1))
    if [ "$tries" -ge 60 ]; then
        echo "the Temporal server at $TEMPORAL_ADDRESS is not healthy after two minutes" >&2
        exit 1
    fi
    sleep 2
done
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 90d
