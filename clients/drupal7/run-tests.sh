#!/bin/sh
# Runs the unit tests of the module for Drupal 7 with the system's PHP and PHPUnit.
# Installs nothing: says what to install where something is missing.
set -eu
cd "$(dirname "$0")"

missing=""
command -v php >/dev/null 2>&1 || missing="$missing php-cli"
command -v phpunit >/dev/null 2>&1 || missing="$missing phpunit"
if [ -z "$missing" ]; then
  php -r 'exit(extension_loaded("mbstring") ? 0 : 1);' || missing="$missing php-mbstring"
  php -r 'exit(extension_loaded("dom") ? 0 : 1);' || missing="$missing php-xml"
fi
if [ -n "$missing" ]; then
  echo "The tests of clients/drupal7 need these packages:$missing" >&2
  echo "On Debian: apt-get install --no-install-recommends$missing" >&2
  exit 2
fi

find . -name '*.php' -o -name '*.module' -o -name '*.install' -o -name '*.inc' | while read -r file; do
  php -d display_errors=stderr -l "$file" >/dev/null || exit 1
done
exec phpunit -c phpunit.xml.dist "$@"
