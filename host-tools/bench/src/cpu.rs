//! What this processor is and offers.

use serde::{Deserialize, Serialize};

/// A processor. Two with the same features run the same code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cpu {
    /// Architecture as Rust calls it.
    pub architecture: String,
    /// What it calls itself, where the operating system tells.
    pub model: String,
    /// Instruction sets that matter to RSA and SHA-256.
    pub features: Vec<String>,
}

impl Cpu {
    /// The processor that this runs on.
    #[must_use]
    pub fn here() -> Cpu {
        let features = features().into_iter().filter(|(_, there)| *there).map(|(name, _)| name.into()).collect();
        Cpu { architecture: std::env::consts::ARCH.into(), model: model().unwrap_or_default(), features }
    }
}

impl std::fmt::Display for Cpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let model = if self.model.is_empty() { &self.architecture } else { &self.model };
        let features = if self.features.is_empty() { "nothing special".into() } else { self.features.join(" ") };
        write!(f, "{model} (offers {features})")
    }
}

/// Linux's word for it.
fn model() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<(&'static str, bool)> {
    vec![
        ("bmi2", std::arch::is_x86_feature_detected!("bmi2")),
        ("adx", std::arch::is_x86_feature_detected!("adx")),
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
        ("avx512ifma", std::arch::is_x86_feature_detected!("avx512ifma")),
        ("sha", std::arch::is_x86_feature_detected!("sha")),
    ]
}

#[cfg(target_arch = "aarch64")]
fn features() -> Vec<(&'static str, bool)> {
    use std::arch::is_aarch64_feature_detected as has;
    vec![("neon", has!("neon")), ("sve", has!("sve")), ("sha2", has!("sha2"))]
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn features() -> Vec<(&'static str, bool)> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_one_has_a_name() {
        let here = super::Cpu::here();
        assert!(here.to_string().contains("offers"), "{here}");
    }
}
