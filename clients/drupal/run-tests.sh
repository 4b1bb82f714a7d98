#!/bin/sh
# Runs the module's unit tests with the PHP, PHPUnit and Guzzle of the system.
# Installs nothing: says what to install where something is missing.
set -eu
cd "$(dirname "$0")"

missing=""
command -v php >/dev/null 2>&1 || missing="$missing php-cli"
command -v phpunit >/dev/null 2>&1 || missing="$missing phpunit"
if [ -z "$missing" ]; then
  for extension in mbstring curl; do
    php -r "exit(extension_loaded('$extension') ? 0 : 1);" || missing="$missing php-$extension"
  done
  php -r 'exit(extension_loaded("dom") ? 0 : 1);' || missing="$missing php-xml"
fi
if [ -z "${DRUMBEAT_AUTOLOAD:-}" ]; then
  [ -f /usr/share/php/GuzzleHttp/autoload.php ] || missing="$missing php-guzzlehttp-guzzle"
  [ -f /usr/share/php/Psr/Log/autoload.php ] || missing="$missing php-psr-log"
fi
if [ -n "$missing" ]; then
  echo "The tests of clients/drupal need these packages:$missing" >&2
  echo "On Debian: apt-get install --no-install-recommends$missing" >&2
  exit 2
fi

find . -name '*.php' -o -name '*.module' -o -name '*.install' | while read -r file; do
  php -d display_errors=stderr -l "$file" >/dev/null || exit 1
done
exec phpunit -c phpunit.xml.dist "$@"
