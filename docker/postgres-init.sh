#!/bin/sh
# Runs once, on an empty volume. Duely's books and Temporal's state get a role each, and neither reads the other's.
set -eu

psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" \
     --set duely="$BOOKS_PASSWORD" --set temporal="$STATE_PASSWORD" <<'SQL'
CREATE ROLE duely LOGIN PASSWORD :'duely';
CREATE DATABASE duely OWNER duely;
REVOKE CONNECT ON DATABASE duely FROM PUBLIC;
CREATE ROLE temporal LOGIN CREATEDB PASSWORD :'temporal';
SQL
