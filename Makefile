# Commands of the project; "make help" lists them. Needed beforehand: Go, Node 20.19 or
# later, make and git.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Where there is no home to write to (containers, service users), caches go into the tree.
ifneq ($(shell [ -n "$$HOME" ] && [ -d "$$HOME" ] && [ -w "$$HOME" ] && echo yes),yes)
export GOPATH ?= $(CURDIR)/.cache/go
export XDG_CACHE_HOME ?= $(CURDIR)/.cache
export npm_config_cache ?= $(CURDIR)/.cache/npm
endif

VERSION := $(shell git -c safe.directory='$(CURDIR)' describe --tags --always --dirty 2>/dev/null || echo unknown)
# The version comes from above; Go's own stamp fails in a clone of another user's.
GO_BUILD := go build -buildvcs=false -ldflags "-X main.version=$(VERSION)"
WEB_SOURCES := $(shell find clients/web gen/ts \( -name node_modules -o -path clients/web/dist \) -prune -o -type f -print 2>/dev/null)

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: build ## build what is stale and start everything on one port; ARGS="--help" for its flags
	@exec bin/drumbeat serve $(ARGS)

.PHONY: demo
demo: build ## like run, with a fleet of sample sites that report and get patched
	@exec bin/drumbeat serve --demo $(ARGS)

.PHONY: build
build: deps clients/web/dist/index.html ## build the web client and bin/drumbeat
	$(GO_BUILD) -o bin/drumbeat ./server/cmd/drumbeat

.PHONY: test
test: ## set up, then run every suite; the last lines say which ran
	@scripts/test.sh

.PHONY: lint
lint: deps ## go vet, staticcheck, buf lint, the web client's linter
	@scripts/test.sh go-vet staticcheck buf-lint web-lint

.PHONY: generate
generate: deps ## generate gen/ from proto/ and db/
	@scripts/generate.sh

.PHONY: bench
bench: ## run the benchmarks on servers started for them
	go run -buildvcs=false ./server/cmd/bench
	go build -buildvcs=false -o bin/testservices ./server/cmd/testservices
	bin/testservices -- go test -run '^$$' -bench . -benchmem ./server/...

.PHONY: deps
deps: node_modules/.package-lock.json ## install the npm packages if the lock file changed

# npm writes this file last, so it is also the mark of a complete installation.
node_modules/.package-lock.json: package-lock.json
	@scripts/node.sh
	npm ci --no-fund --no-audit --loglevel=error
	@touch $@

clients/web/dist/index.html: node_modules/.package-lock.json $(WEB_SOURCES)
	npm run --silent --workspace clients/web build
	@touch $@

.PHONY: clean
clean: ## remove what was built; data, npm packages and caches stay
	rm -rf bin clients/web/coverage clients/web/test-results
	find clients/web/dist -mindepth 1 ! -name .gitkeep -delete
