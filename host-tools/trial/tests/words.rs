//! Dictionaries and first inputs of the fuzz targets are what the table says. `JITSUIN_BLESS=1` writes them anew.

use card_os::profile::Model;
use std::{fs, path::Path};
use trial::words::{dictionary, life};

fn golden(path: &Path, is: &[u8]) {
    if std::env::var_os("JITSUIN_BLESS").is_some() {
        fs::write(path, is).expect("can be written");
    }
    let stands = fs::read(path).unwrap_or_default();
    assert!(stands == is, "{} is not what the table says; JITSUIN_BLESS=1 writes it anew", path.display());
}

#[test]
fn dictionaries_and_seeds_are_what_the_table_says() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    for (target, model) in [("session", Model::JPKI_ONLY), ("whole", Model::CARD)] {
        golden(&fuzz.join(format!("{target}.dict")), dictionary(model).as_bytes());
        for application in model.applications {
            let name = format!("seeds/{target}/table-{}", application.number);
            golden(&fuzz.join(name), &life(application));
        }
    }
}
