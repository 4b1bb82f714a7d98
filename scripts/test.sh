#!/bin/sh
# Sets up and runs every suite, each whether or not the others pass, and ends with a
# list of what ran and the line "N passed, N failed". Exits 1 if any failed.
#   scripts/test.sh              all
#   scripts/test.sh NAME...      only these, for example: scripts/test.sh go-test buf-lint
set -u
cd "$(dirname "$0")/.." || exit 1
export CI="${CI:-1}" # no watch modes, no prompts

summary=$(mktemp)
trap 'rm -f "$summary"' EXIT
trap 'echo "interrupted" >&2; exit 130' INT TERM
passed=0 failed=0
wanted=" $* "

suite() { # name, command...
	name=$1
	shift
	if [ "$wanted" != "  " ]; then
		case $wanted in *" $name "*) ;; *) return 0 ;; esac
	fi
	printf '\n=== %s\n' "$name"
	began=$(date +%s)
	if "$@"; then
		passed=$((passed + 1)) result=passed
	else
		failed=$((failed + 1)) result=FAILED
	fi
	printf '%s %5ss  %s\n' "$result" "$(($(date +%s) - began))" "$name" >>"$summary"
}

browser() {
	for path in "${CHROMIUM_PATH:-}" \
		"$(command -v chromium || command -v chromium-browser || command -v google-chrome || command -v google-chrome-stable)" \
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" /Applications/Chromium.app/Contents/MacOS/Chromium; do
		[ -n "$path" ] && [ -x "$path" ] && CHROMIUM_PATH=$path && break
	done
	export CHROMIUM_PATH="${CHROMIUM_PATH:-}" DRUMBEAT_BINARY="$PWD/bin/drumbeat"
	npm run --silent --workspace clients/web test:browser
}

go_test() {
	go build -buildvcs=false -o bin/testservices ./server/cmd/testservices &&
		bin/testservices -- go test -race -timeout 15m ./... || return 1
	# go test says nothing of a test that skips itself. This one needs files that are
	# not in the repository.
	go test -run '^TestVectorsOfDrupalAgree$' -v ./server/evaluate | sed -n 's/.*\(NOT RUN: \)/\1/p' >>"$summary"
}

suite set-up scripts/setup.sh
suite npm-packages make --no-print-directory deps
suite generated-code scripts/generate.sh --check
suite buf-lint go tool -modfile=tools/buf.mod buf lint
suite buf-breaking scripts/breaking.sh
suite build make --no-print-directory build
suite go-vet go vet ./...
suite staticcheck go tool -modfile=tools/staticcheck.mod staticcheck ./...
suite go-test go_test
suite web-types npm run --silent --workspace clients/web typecheck
suite web-lint npm run --silent --workspace clients/web lint
suite web-unit npm run --silent --workspace clients/web test
suite browser browser
suite php-drupal clients/drupal/run-tests.sh
suite php-drupal7 clients/drupal7/run-tests.sh

printf '\n=== suites\n'
cat "$summary"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
