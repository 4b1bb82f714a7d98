#!/bin/sh
# Checks that the contracts in proto/ still serve the clients of the main branch.
# On main itself that is its last commit but one, since the last is what is checked.
# A base from elsewhere can be named: BREAKING_BASE=v1.2 scripts/breaking.sh
set -eu
cd "$(dirname "$0")/.."
# The clone may belong to another user, as in a container.
git() { command git -c safe.directory="$PWD" "$@"; }
commit() { git rev-parse --verify --quiet "$1^{commit}" 2>/dev/null; }

head=$(commit HEAD) || { echo "this needs a git clone: there is nothing to compare the contracts with" >&2; exit 1; }
base=
if [ -n "${BREAKING_BASE:-}" ]; then
	base=$(commit "$BREAKING_BASE") || { echo "BREAKING_BASE=$BREAKING_BASE is no commit" >&2; exit 1; }
fi
for name in origin/main main HEAD~1; do
	[ -n "$base" ] && break
	found=$(commit "$name") || continue
	[ "$found" != "$head" ] && base=$found
done
# A clone of depth 1 knows nothing older; what is not committed is still compared.
[ -n "$base" ] || base=$head

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
paths=$(git ls-tree --name-only "$base" buf.yaml proto tools/proto)
case $paths in
*proto*) ;;
*)
	echo "$(git log -1 --format='%h (%s)' "$base") holds no contracts yet: nothing can break"
	exit 0
	;;
esac
# shellcheck disable=SC2086 # the paths hold no spaces
git archive "$base" $paths | tar -x -C "$work"
go tool -modfile=tools/buf.mod buf breaking --against "$work"
echo "no breaking change since $(git log -1 --format='%h (%s)' "$base")"
