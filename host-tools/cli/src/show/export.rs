//! A card as files: certificates, images, texts and raw EFs.

use super::{Read, View};
use crate::{failure::Failure, private};
use base64ct::{Base64, Encoding};
use pki::survey::{CertificateState, Content};
use std::path::Path;

/// EFs that hold what opens the face or from which it follows: My Number as text and picture, the digest of its twelve digits, and
/// the card face with the picture of the security code.
const HIDDEN: [u16; 4] = [0x0501, 0x0503, 0x0405, 0x0402];

/// Writes all of it; gives the names of the files.
pub(super) fn write(read: &Read, view: &View, folder: &Path, force: bool) -> Result<Vec<String>, Failure> {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for certificate in &read.findings.certificates {
        if let CertificateState::Present(present) = &certificate.state {
            files.push((format!("{}.pem", certificate.name.replace(' ', "-")), pem(&present.der).into_bytes()));
        }
    }
    images(read, &mut files);
    files.push(("card.json".into(), serde_json::to_vec_pretty(view)?));
    raw(read, &mut files);
    private::folder(folder)?;
    // All or nothing where something stands in the way.
    if let Some((name, _)) = files.iter().find(|(name, _)| !force && folder.join(name).exists()) {
        let path = folder.join(name);
        return Err(Failure::Refused(format!("{}: exists already; --force overwrites it", path.display())));
    }
    for (name, bytes) in &files {
        private::write(&folder.join(name), bytes, force)?;
    }
    Ok(files.into_iter().map(|(name, _)| name).collect())
}

fn images(read: &Read, files: &mut Vec<(String, Vec<u8>)>) {
    let personal = &read.findings.personal;
    if let Some(Ok(face)) = &personal.face {
        files.push(("name.png".into(), face.name.clone()));
        files.push(("address.png".into(), face.address.clone()));
        files.push(("photo.jp2".into(), face.photo.clone()));
        if read.reveal {
            files.push(("security-code.png".into(), face.security_code.clone()));
        }
    }
    if let Some(Ok(image)) = personal.number_image.as_ref().filter(|_| read.reveal) {
        files.push(("my-number.png".into(), image.clone()));
    }
}

/// Every EF and data object that was read, as it lies on the card.
fn raw(read: &Read, files: &mut Vec<(String, Vec<u8>)>) {
    for object in &read.survey.data_objects {
        if let Ok(content) = &object.content {
            files.push((format!("isd-{:04X}.bin", object.tag), content.clone()));
        }
    }
    for surveyed in &read.survey.applications {
        let application = surveyed.application.name.split(' ').next().unwrap_or_default().to_lowercase();
        let application = application.trim_end_matches('\'');
        for seen in &surveyed.objects {
            if HIDDEN.contains(&seen.object.grouping()) && !read.reveal {
                continue;
            }
            if let Content::File(content) | Content::Records(content) = &seen.content {
                files.push((format!("{application}-{:04X}.bin", seen.object.number), content.clone()));
            }
        }
    }
}

/// RFC 7468.
pub(crate) fn pem(der: &[u8]) -> String {
    let text = Base64::encode_string(der);
    let lines = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n");
    format!("-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
}
