//! Versions of the libraries in this program: what the lock file says, because most libraries do not tell.

const LOCK: &str = include_str!("../../../Cargo.lock");

/// The version of a package; where several are locked, the first. `?` for one that is not locked.
#[must_use]
pub fn of(package: &str) -> &'static str {
    let heading = format!("name = \"{package}\"\nversion = \"");
    let version = LOCK.split_once(&heading).and_then(|(_, rest)| rest.split_once('"'));
    version.map_or("?", |(version, _)| version)
}

#[cfg(test)]
mod tests {
    #[test]
    fn versions_are_found() {
        assert_eq!(super::of("jitsuin"), env!("CARGO_PKG_VERSION"));
        assert_eq!(super::of("nothing"), "?");
    }
}
