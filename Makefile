# The verbs of this project. `make` alone lists them; `.ci/run` calls the same ones.
# Each prepares what it needs by tools/setup, which only looks when everything is there.

# The same order as rustup's own env script, so that cargo is found when PATH does not name it.
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
# `release` for people, `debug` for tests: there it is compiled already.
PROFILE ?= release
SERVER = $(TARGET)/$(PROFILE)/server
# Cargo joins the features of all packages it is asked for: any other selection than the tests' own would
# compile most dependencies a second time. The tests need the program, so building them builds it.
BUILD_SERVER_debug = cargo test --workspace --no-run
# Each program is linked for minutes: people who run the server need no load client.
BUILD_SERVER_release = cargo build --release -p server --bin server

# What the browser gets depends on these. Folders too: a removed file changes only its folder.
WEB_SOURCES := $(shell find app shared style public 2>/dev/null) Cargo.toml Cargo.lock Trunk.toml tools/web-env
# Lives inside dist, so that any other build into dist removes it.
WEB_BUILT := dist/.complete

# Settings from .env (see .env.sample), if there is one, for the verbs that start the server.
DOTENV = set -a; if [ -f .env ]; then . ./.env; fi; set +a;

.DEFAULT_GOAL := help
.PHONY: help run test e2e lint unit mutants simulate scaling fuzz seed rush attack chaos upgrade-rehearsal cluster web budget setup clean server

help: ## lists the verbs
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 24

run: ## builds everything, seeds the demo and serves it (SQLite in ./data, or DATABASE_URL)
	@tools/setup rust web
	@$(MAKE) --no-print-directory server web
	@mkdir -p data
	@$(DOTENV) $(SERVER) seed && exec $(SERVER) serve

# One after the other, the slow browser last, so that the last line is the runner's count.
test: ## runs everything that must hold: lint, unit and integration tests, size budget, browser tests
	@tools/setup rust web browser
	@tools/setup postgres || true
	@begin=$$(date +%s); \
	for step in lint unit mutants budget e2e; do \
		echo "== make $$step ($$(( $$(date +%s) - begin )) s after the set-up)"; \
		$(MAKE) --no-print-directory PROFILE=debug $$step || exit 1; \
	done

# What only the browser's compiler sees is compiled by `web`.
lint: ## checks format and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

unit: ## runs the Rust tests: unit, property and integration
	cargo test --workspace

# Nobody reads the backtraces of errors that are made on purpose.
SIMULATE = RUST_LIB_BACKTRACE=0 cargo run --quiet --release -p server --example simulate --

simulate: ## plays seeds of failures: make simulate SEEDS=100000 FROM=1; SEED=42 tells the story of one
	@$(SIMULATE) $(if $(SEED),replay $(SEED),seeds $(or $(SEEDS),20000) $(or $(FROM),1))

scaling: ## lays conferences on up to 3,000 servers, and takes one of them away
	@$(SIMULATE) hashing

# As the tests are built, everything but the planted copy is compiled already.
mutants: ## plants defects and shows which promise each breaks: make mutants SEEDS=3000
	@$(if $(filter debug,$(PROFILE)),cargo build --quiet --workspace --example simulate && \
		$(TARGET)/debug/examples/simulate mutants $(or $(SEEDS),600),\
		$(SIMULATE) mutants $(or $(SEEDS),3000))

# With --workspace for the same reason as above. Names are of modules with properties about input.
fuzz: ## tries arbitrary input at every door and in every document: make fuzz CASES=20000
	PROPTEST_CASES=$(or $(CASES),20000) cargo test --workspace --lib --test it -- \
		fuzz:: documents:: mailer:: proxies:: shared::

e2e: PROFILE = debug
e2e: ## runs the browser tests against a real server; E2E="-g pays" runs some of them
	@tools/setup browser
	@$(MAKE) --no-print-directory PROFILE=debug server web
	cd end2end && npm run --silent check
	cd end2end && SERVER_BIN=$(SERVER) DIST_DIR=$(abspath dist) node_modules/.bin/playwright test $(E2E)

budget: web ## prints the sizes of what the browser downloads and fails when a program is over budget
	@tools/byte-budget dist 180000
	@tools/byte-budget dist/desk 250000

seed: server ## creates the demo conferences that are missing
	@mkdir -p data
	@$(DOTENV) $(SERVER) seed

rush: PROFILE = release
rush: ## loads a release server on SQLite, then on PostgreSQL: make rush RUSH="--seconds 10"
	cargo build --release -p server --bins
	$(TARGET)/release/rush $(RUSH)
	@tools/setup postgres
	tools/with-postgres $(TARGET)/release/rush $(RUSH)

attack: PROFILE = release
attack: ## attacks a release server while one registrant goes on ordering: make attack ATTACK="--seconds 10"
	cargo build --release -p server --bins
	$(TARGET)/release/attack $(ATTACK)

chaos: PROFILE = release
chaos: ## kills and breaks a release server under load, on both databases: make chaos CHAOS="--seed 7"
	cargo build --release -p server --bins
	@tools/setup postgres
	$(TARGET)/release/chaos $(CHAOS)

# First the one that may be missing, then the slow ones.
upgrade-rehearsal: PROFILE = release
upgrade-rehearsal: ## builds the previous tagged release and this one, rolls three servers forward and back under load
	@tools/setup rust web postgres
	@previous=$$(tools/previous-release $(TARGET)) && \
	$(MAKE) --no-print-directory PROFILE=release server web && \
	cargo build --release -p server --bin chaos && \
	$(TARGET)/release/chaos --scenario upgrade --previous $$previous/built/server \
		--previous-dist $$previous/dist --dist $(abspath dist) $(REHEARSAL)

cluster: PROFILE = release
cluster: ## runs three servers on one throw-away PostgreSQL behind a proxy, until Ctrl-C
	@tools/setup rust web postgres proxy
	@$(MAKE) --no-print-directory server web
	tools/cluster $(SERVER)

server: ## builds the server (PROFILE=debug or release)
	$(BUILD_SERVER_$(PROFILE))

web: $(WEB_BUILT) ## builds the browser's two programs into dist and compresses them

# The stamp bears the time of the start: what is changed while we build is built the next time.
$(WEB_BUILT): $(WEB_SOURCES)
	@tools/setup web
	@mkdir -p $(TARGET) && touch $(TARGET)/web-started
	tools/web-env cargo fetch
	@# Once more for the target: some crates of its standard library are nobody else's.
	tools/web-env cargo fetch --target wasm32-unknown-unknown
	tools/web-env trunk build --release --offline
	tools/web-env trunk build --release --offline --dist dist/desk --public-url /desk/ app/desk.html
	$(BUILD_SERVER_$(PROFILE))
	$(SERVER) compress-assets dist
	@touch -r $(TARGET)/web-started $@

setup: ## installs what this machine lacks
	@tools/setup

clean: ## removes everything that was built; keeps ./data and the tools
	cargo clean
	rm -rf dist end2end/node_modules end2end/test-results
