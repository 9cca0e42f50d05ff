//! `jitsuin apply`: electronic applications 電子申請, from a blank form to the office's record. (service.md §6, §8, rows 23 and 24)

mod applicant;
mod office;

use crate::{args::Apply, failure::Failure};
use std::{fs::File, io::Read, path::Path};

/// `jitsuin apply`
pub(crate) fn run(apply: &Apply) -> Result<(), Failure> {
    match apply {
        Apply::Form(form) => applicant::form(form),
        Apply::Sign(sign) => applicant::sign(sign),
        Apply::Send(send) => applicant::send(send),
        Apply::Status(status) => applicant::status(status),
        Apply::Verify(verify) => office::verify(verify),
        Apply::Serve(serve) => office::serve(serve),
        Apply::List(list) => office::list(list),
        Apply::Show(show) => office::show(show),
    }
}

/// A file of at most so many bytes.
fn file(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let said = |error: std::io::Error| Failure::Usage(format!("{}: {error}", path.display()));
    let (mut bytes, limit) = (Vec::new(), u64::try_from(most).unwrap_or(u64::MAX));
    File::open(path).and_then(|file| file.take(limit.saturating_add(1)).read_to_end(&mut bytes)).map_err(said)?;
    if bytes.len() > most {
        return Err(Failure::Usage(format!("{}: more than {most} bytes", path.display())));
    }
    Ok(bytes)
}

fn refused() -> Failure {
    Failure::Refused("受理されません (the application was not accepted)".into())
}
