#!/bin/sh
# Says clearly when Node is missing or too old; npm's own message is a stack of warnings.
command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || {
	echo "Node 20.19 or later with npm is needed: see https://nodejs.org" >&2
	exit 1
}
node -e '
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Node ${process.versions.node} is too old: 20.19 or later is needed`);
  process.exit(1);
}'
