//! Distinguished names compared as RFC 5280 §7.1 wants it: letters without their case, spaces as one, whatever string type.

use der::{Tag, Tagged, asn1::Any};
use x509_cert::name::{Name, RelativeDistinguishedName};

/// Whether two names are the same.
#[must_use]
pub fn same(one: &Name, other: &Name) -> bool {
    let (one, other) = (relative(one), relative(other));
    one.len() == other.len() && begins(&one, &other)
}

/// Whether `name` lies within the subtree whose top is `base`.
#[must_use]
pub fn within(name: &Name, base: &Name) -> bool {
    let (name, base) = (relative(name), relative(base));
    base.len() <= name.len() && begins(&name, &base)
}

fn relative(name: &Name) -> Vec<&RelativeDistinguishedName> {
    name.iter_rdn().collect()
}

fn begins(name: &[&RelativeDistinguishedName], base: &[&RelativeDistinguishedName]) -> bool {
    name.iter().zip(base).all(|(one, other)| {
        let attributes = |relative: &RelativeDistinguishedName| {
            let mut all: Vec<_> = relative.iter().map(|one| (one.oid, comparable(&one.value))).collect();
            all.sort();
            all
        };
        attributes(one) == attributes(other)
    })
}

/// A value in the form in which two are compared. Strings that are not text of a known type stay bytes.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Comparable {
    Text(String),
    Bytes(Tag, Vec<u8>),
}

fn comparable(value: &Any) -> Comparable {
    match text(value) {
        Some(text) => {
            let folded = text.to_lowercase();
            Comparable::Text(folded.split([' ', '\t']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "))
        }
        None => Comparable::Bytes(value.tag(), value.value().to_vec()),
    }
}

/// The text of a directory string.
#[must_use]
pub fn text(value: &Any) -> Option<&str> {
    let known = matches!(value.tag(), Tag::PrintableString | Tag::Utf8String | Tag::Ia5String);
    if known { std::str::from_utf8(value.value()).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    fn name(text: &str) -> Name {
        Name::from_str(text).expect("a name")
    }

    #[test]
    fn case_and_spaces_do_not_matter_order_and_number_do() {
        let one = name("CN=Good CA,O=Test Certificates 2011,C=US");
        assert!(same(&one, &name("CN=gOOD   ca,O=TEST certificates  2011,C=US")));
        assert!(!same(&one, &name("O=Test Certificates 2011,CN=Good CA,C=US")));
        assert!(!same(&one, &name("CN=GoodCA,O=Test Certificates 2011,C=US")));
        assert!(!same(&one, &name("O=Test Certificates 2011,C=US")));
        assert!(same(&name("CN=試験　花子,C=JP"), &name("CN=試験　花子,C=JP")));
        assert!(!same(&name("CN=試験　花子,C=JP"), &name("CN=試験　太郎,C=JP")));
    }

    #[test]
    fn subtrees_begin_at_the_top() {
        let base = name("O=Test Certificates 2011,C=US");
        assert!(within(&name("CN=Good CA,O=Test Certificates 2011,C=US"), &base) && within(&base, &base));
        assert!(!within(&name("C=US"), &base));
        assert!(!within(&name("CN=Good CA,O=Others,C=US"), &base));
    }
}
