//! Where flash and RAM of the board are, and which interrupts it has; nothing for other targets.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    if env::var("CARGO_CFG_TARGET_OS")? == "none" {
        let out = PathBuf::from(env::var("OUT_DIR")?);
        for script in ["memory.x", "device.x"] {
            println!("cargo:rerun-if-changed={script}");
            fs::copy(script, out.join(script))?;
        }
        println!("cargo:rustc-link-search={}", out.display());
        println!("cargo:rustc-link-arg-bins=-Tlink.x");
    }
    Ok(())
}
