//! What can go wrong with a measurement.

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A contender gave a result that is not the right one. The worst there is: its speed means nothing.
    #[error("WRONG RESULT: {contender}, {row}: {what}")]
    Wrong {
        /// What was done.
        row: String,
        /// Who did it.
        contender: String,
        /// What is wrong about it.
        what: String,
    },
    /// A contender could not do the work.
    #[error("{contender}, {row}: {why}")]
    Failed {
        /// What was to be done.
        row: String,
        /// Who could not do it.
        contender: String,
        /// What it said.
        why: String,
    },
    /// A rival that this program was built without.
    #[error("{name} was not compiled in; build it with: cargo build --release --features {feature}{needs}")]
    NotBuilt {
        /// The rival.
        name: &'static str,
        /// The feature of the `jitsuin` package that brings it.
        feature: &'static str,
        /// What else it takes, or nothing.
        needs: &'static str,
    },
    /// A program or a library that others bring.
    #[error("{what} is not here; Debian's package {package} brings it")]
    Missing {
        /// What.
        what: &'static str,
        /// Where it is to be had.
        package: &'static str,
    },
    /// A choice that does not exist here.
    #[error("{0}")]
    Choice(String),
    /// The person at the keyboard has seen enough.
    #[error("interrupted; nothing was written")]
    Interrupted,
    /// A file.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    /// A file that is no baseline.
    #[error("{path}: {why}; make one with: jitsuin bench --save {path}")]
    Baseline {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

/// What a contender says of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It could not be done.
    Failed(String),
    /// It was done wrongly.
    Wrong(String),
}

impl Trouble {
    /// The error of a library, or whatever else has words.
    pub fn failed(error: impl std::fmt::Display) -> Trouble {
        Trouble::Failed(error.to_string())
    }

    /// The same with the names of who and what.
    #[must_use]
    pub fn of(self, row: &str, contender: &str) -> BenchError {
        let (row, contender) = (row.to_owned(), contender.to_owned());
        match self {
            Trouble::Failed(why) => BenchError::Failed { row, contender, why },
            Trouble::Wrong(what) => BenchError::Wrong { row, contender, what },
        }
    }
}
