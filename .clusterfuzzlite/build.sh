#!/bin/bash -eu
# Builds every target for ClusterFuzzLite and OSS-Fuzz: programs, first inputs, dictionaries.
cd "$SRC/jitsuin/fuzz"
cargo fuzz build --fuzz-dir . -O --debug-assertions
for source in targets/*.rs; do
  target=$(basename "$source" .rs)
  cp "target/x86_64-unknown-linux-gnu/release/$target" "$OUT/"
  inputs=()
  for folder in "seeds/$target" "corpus/$target"; do [ ! -d "$folder" ] || inputs+=("$folder"/*); done
  for finding in findings/"$target"-*; do case "$finding" in *'*' | *.apdu) ;; *) inputs+=("$finding") ;; esac; done
  [ ${#inputs[@]} -eq 0 ] || zip -qj "$OUT/${target}_seed_corpus.zip" "${inputs[@]}"
  [ ! -f "$target.dict" ] || cp "$target.dict" "$OUT/"
done
