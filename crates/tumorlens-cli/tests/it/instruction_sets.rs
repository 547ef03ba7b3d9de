//! Two processors, one result.

use super::program::succeed;
use std::fs;
use std::process::Command;

/// Maps of one, two and four blocks of channels, on either side of where sums are dealt out.
const SMALL: &str = r#"
[preprocess]
size = 64
asymmetry = true

[model]
architecture = "resnet18"
base_width = 16
head = { kind = "evidence", stride = 4, channels = 32 }

[train]
epochs = 1
warm_up_epochs = 0.5
batch_size = 16
"#;

#[test]
#[ignore = "asks for a processor with AVX-512; not seen on one yet"]
fn vectors_of_256_and_of_512_bits_give_the_same_bytes() {
    #[cfg(target_arch = "x86_64")]
    let wide = std::is_x86_feature_detected!("avx512f");
    #[cfg(not(target_arch = "x86_64"))]
    let wide = false;
    if !wide {
        eprintln!("skipped: this processor has no vectors of 512 bits");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    fs::write(at.join("small.toml"), SMALL).unwrap();
    let phantoms = ["phantom", "--out", "phantoms", "--subjects", "16"];
    succeed(at, &phantoms);
    succeed(at, &["prepare", "phantoms", "--out", "data"]);
    for isa in ["avx2", "avx512"] {
        let run = Command::new(env!("CARGO_BIN_EXE_tumorlens"))
            .current_dir(at)
            .env("TUMORLENS_ISA", isa)
            .args(["train", "data", "--config", "small.toml", "--out", isa])
            .output()
            .unwrap();
        assert!(run.status.success(), "{isa}: {}", run.status);
    }
    for file in ["metrics.jsonl", "predictions.csv", "model.tumorlens"] {
        let read = |run: &str| fs::read(at.join(run).join(file)).unwrap();
        assert_eq!(read("avx2"), read("avx512"), "{file}");
    }
}
