#!/usr/bin/env bash
# Fuzzes one target for so many seconds of processor time, from seeds in a folder (any depth; files up to 128 KiB).
#
#     fuzz/run.sh TARGET SECONDS SEEDS...
#
# What is found lies in fuzz/artifacts/TARGET; the inputs that reach new code stay in fuzz/corpus/TARGET. Needs
# `cargo install cargo-fuzz` and a C++ compiler. Readers run without a sanitizer: there is no `unsafe` to watch, panics,
# time and memory are seen without. `kernels`, which needs no seeds, runs under AddressSanitizer. A stable compiler does
# (RUSTC_BOOTSTRAP lets it take the flags).
set -euo pipefail
target=$1 seconds=$2
shift 2
cd "$(dirname "$0")/.."
features=()
case $target in config | bundle) features=(--features networks) ;; esac
sanitizer=none
if [ "$target" = kernels ]; then sanitizer=address; fi
export RUSTC_BOOTSTRAP=1
cargo fuzz build -s "$sanitizer" "${features[@]}" "$target"
mkdir -p "fuzz/corpus/$target" "fuzz/artifacts/$target"
binary=$(find fuzz/target -path "*/release/$target" -type f | head -n 1)
if [ $# -gt 0 ]; then
  find "$@" -type f -size -129k -print0 |
    while IFS= read -r -d '' file; do
      cp -n -- "$file" "fuzz/corpus/$target/seed-$(sha256sum <"$file" | cut -c1-16)"
    done
fi
ulimit -S -t "$seconds"
exec "$binary" -artifact_prefix="fuzz/artifacts/$target/" -max_len=131072 -rss_limit_mb=1024 -timeout=10 \
  -print_final_stats=1 "fuzz/corpus/$target"
