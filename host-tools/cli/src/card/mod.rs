//! `jitsuin card report`: a card as one HTML page.

mod face;
mod page;
mod parts;

use crate::{
    args,
    failure::Failure,
    out::say,
    private,
    show::{Examined, View, credentials},
};
use time::OffsetDateTime;
use world::World;

/// `jitsuin card report`
pub(crate) fn report(report: &args::CardReport) -> Result<(), Failure> {
    let world = crate::world(&report.world)?;
    let mut examined = Examined::new(&world, &report.card, |record| credentials(&report.opening).with_printed(record))?;
    examined.read.reveal = report.reveal;
    let mut view = View::of(&examined, Some(&examined.record));
    fill_in(&mut view, &world, &report.card);
    let page = page::html(&examined, &view, OffsetDateTime::now_utc());
    private::write(&report.html, page.as_bytes(), report.force)?;
    say!("{}", report.html.display());
    Ok(())
}

/// Certificates that no PIN opened, out of the world's own folder.
fn fill_in(view: &mut View, world: &World, id: &str) {
    use der::{DecodePem, Encode};
    for certificate in view.certificates.iter_mut().filter(|certificate| certificate.certificate.is_none()) {
        let name = match certificate.file.as_str() {
            "0001" => "signature.pem",
            "000A" => "authentication.pem",
            _ => continue,
        };
        // Nothing is missed where there is none: the page then says that a PIN opens it.
        let Ok(text) = std::fs::read_to_string(world.card_folder(id).join(name)) else { continue };
        let der = x509_cert::Certificate::from_pem(text).and_then(|certificate| certificate.to_der());
        if let Some(seen) = der.ok().and_then(|der| pki::survey::SeenCertificate::parse(&der).ok()) {
            certificate.certificate = Some(seen);
        }
    }
}
