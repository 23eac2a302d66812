#!/usr/bin/env bash
# Runs the fused blocks' tests that need no LibTorch on another processor's vector form, in emulation: by default NEON.
# Prerequisites on Debian: apt install qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross; rustup target add aarch64-unknown-linux-gnu
# usage: tests/tools/neon.sh [CARGO TEST ARGUMENTS]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
crate=$root/target/neon
mkdir -p "$crate/src"
rm -rf "$crate/src/fused"
cp -r "$root/src/learn/fused" "$crate/src/fused"
# Without what names LibTorch.
rm "$crate"/src/fused/{tests,lenet4,convnet,memory}.rs
sed -i -z -e 's/mod lenet4;\n//' -e 's/pub use lenet4[^\n]*\n//' -e 's/mod convnet;\n//' -e 's/pub use convnet[^\n]*\n//' -e 's/mod memory;\n//' -e 's/#\[cfg(test)\]\nmod tests;\n//' "$crate/src/fused/mod.rs"
echo 'pub mod fused;' >"$crate/src/lib.rs"
cp "$root/Cargo.lock" "$crate/Cargo.lock"
cat >"$crate/Cargo.toml" <<'END'
[package]
name = "fused"
version = "0.0.0"
edition = "2024"

[dev-dependencies]
rand = { version = "0.10", default-features = false }
rand_chacha = { version = "0.10", default-features = false }

[profile.dev]
opt-level = 2

[workspace]
END
cd "$crate"
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu"
exec cargo test --target "${TARGET:-aarch64-unknown-linux-gnu}" "$@"
