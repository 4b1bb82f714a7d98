#!/bin/sh
# Generates gen/ from proto/ (buf) and db/ (sqlc).
#   scripts/generate.sh           brings gen/ up to date
#   scripts/generate.sh --check   only tells what is stale; exits 1 if anything is
# It works in a copy, so that gen/ is never half written and a check changes nothing.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

[ -x node_modules/.bin/protoc-gen-es ] || { echo "node_modules lacks protoc-gen-es: run \"make deps\" first" >&2; exit 1; }
mkdir -p "$work/db"
cp -R buf.yaml buf.gen.yaml sqlc.yaml go.mod go.sum proto tools gen "$work/"
cp -R db/migrations db/queries "$work/db/"
rm -rf "$work/gen/db" # sqlc leaves files whose queries are gone
ln -s "$root/node_modules" "$work/node_modules"
cd "$work"
go tool -modfile=tools/buf.mod buf generate
# Without cgo sqlc needs no C compiler and builds in half the time; its output is the same.
CGO_ENABLED=0 go tool -modfile=tools/sqlc.mod sqlc generate
cd "$root"

# Changed or new files first, then those that nothing generates any more.
(cd "$work/gen" && find . -type f) | sort >"$work/new"
(cd gen && find . -type f ! -path '*/node_modules/*') | sort >"$work/old"
{
	while read -r f; do
		cmp -s "$work/gen/$f" "gen/$f" || echo "update gen/${f#./}"
	done <"$work/new"
	comm -13 "$work/new" "$work/old" | sed 's|^\./|delete gen/|'
} >"$work/changes"

if [ "${1:-}" = --check ]; then
	if [ -s "$work/changes" ]; then
		echo "Generated code is stale. Run \"make generate\" and commit gen/:"
		sed 's/^/  /' "$work/changes"
		exit 1
	fi
	echo "gen/ is up to date ($(wc -l <"$work/new" | tr -d ' ') files)"
	exit 0
fi
while read -r what f; do
	case $what in
	update) mkdir -p "$(dirname "$f")" && cp "$work/$f" "$f" ;;
	delete) rm -f "$f" ;;
	esac
	echo "$what $f"
done <"$work/changes"
