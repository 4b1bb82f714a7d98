#!/bin/sh
# Installs what Go and npm cannot bring and the tests need: redis-server, Chromium, PHP
# with PHPUnit, curl and, for the race detector, a C compiler. As root on Debian and its
# kin it installs them; elsewhere it names what is missing and how to get it, and exits 1.
set -eu

have() { command -v "$1" >/dev/null 2>&1; }
has_chromium() {
	for name in chromium chromium-browser google-chrome google-chrome-stable; do
		have "$name" && return 0
	done
	[ -n "${CHROMIUM_PATH:-}" ] && [ -x "$CHROMIUM_PATH" ] && return 0
	[ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ] || [ -x /Applications/Chromium.app/Contents/MacOS/Chromium ]
}
has_redis() { have redis-server || have valkey-server; }
has_compiler() { have gcc || have clang; }
php_tools() {
	have php && have phpunit && php -r 'exit(extension_loaded("mbstring") && extension_loaded("curl") && extension_loaded("dom") ? 0 : 1);' &&
		{ [ -n "${DRUMBEAT_AUTOLOAD:-}" ] || { [ -f /usr/share/php/GuzzleHttp/autoload.php ] && [ -f /usr/share/php/Psr/Log/autoload.php ]; }; }
}

# Each line: the check, the name for people, the packages of Debian, the formula of Homebrew.
missing() {
	has_redis || echo "redis|Redis 7 or later|redis-server|redis"
	has_chromium || echo "chromium|Chromium|chromium|--cask chromium"
	has_compiler || echo "compiler|a C compiler|gcc libc6-dev|llvm"
	php_tools || echo "php|PHP with PHPUnit, Guzzle and PSR-3|php-cli php-xml php-mbstring php-curl phpunit php-guzzlehttp-guzzle php-psr-log|php phpunit"
	have curl || echo "curl|curl|curl ca-certificates|curl"
	have git || echo "git|git|git|git"
}

list=$(missing)
if [ -n "$list" ] && have apt-get && [ "$(id -u)" = 0 ]; then
	packages=$(echo "$list" | cut -d'|' -f3 | tr '\n' ' ')
	echo "installing: $packages"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq -o DPkg::Lock::Timeout=300 update || echo "apt-get update failed; trying with the lists that are there"
	# shellcheck disable=SC2086 # one argument per package
	apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $packages >/dev/null ||
		echo "apt-get could not install everything" >&2
	list=$(missing)
fi
if [ -n "$list" ]; then
	echo "Missing for the tests:" >&2
	echo "$list" | while IFS='|' read -r _ name debian brew; do
		if have apt-get; then
			echo "  $name: sudo apt-get install -y --no-install-recommends $debian" >&2
		elif have brew; then
			echo "  $name: brew install $brew" >&2
		else
			echo "  $name: install it with your system's package manager (Debian calls it: $debian)" >&2
		fi
	done
	exit 1
fi
echo "Redis, Chromium, PHP, curl, C compiler and git are here"
