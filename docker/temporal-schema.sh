#!/bin/sh
# Creates or upgrades Temporal's two databases. May run at every start: each step does only what is missing.
# TEMPORAL_SCHEMA: where the schema lies when not where the image has it.
set -eu

for name in temporal visibility; do
    case $name in temporal) database=temporal ;; *) database=temporal_visibility ;; esac
    temporal-sql-tool --database "$database" create-database --defaultdb postgres
    temporal-sql-tool --database "$database" setup-schema --version 0.0
    temporal-sql-tool --database "$database" update-schema \
        --schema-dir "${TEMPORAL_SCHEMA:-/etc/temporal/schema}/postgresql/v12/$name/versioned"
done
