# `just` lists the recipes; each is one command that works without just, too.

_default:
    @just --list --unsorted

# The program: target/release/tailsweep
build:
    cargo build --release --locked -p tailsweep

# A small real experiment, with its report in out/quickstart
quickstart:
    cargo run --release --locked -p tailsweep -- run sweeps/quickstart.toml --out out/quickstart

# The small sweeps of sweeps/, one after another, into docs/results: resumable; `just results --plan`
# says how long
results *names:
    docs/results/run {{names}}

# All tests
test:
    cargo test --release --workspace

# What CI runs: format, lints, quickstart, tests, docs, and licences where cargo-deny is installed
check:
    .ci/run

# Format all crates
fmt:
    cargo fmt --all

# Pages of all crates: target/doc
doc:
    RUSTDOCFLAGS='--deny warnings' cargo doc --release --locked --workspace --no-deps

# Licences, bans and sources of all dependencies (`cargo install --locked cargo-deny`)
deny:
    cargo deny check bans licenses sources
