//! Name constraints: the part of the world of names that a CA may give certificates in. (RFC 5280 §4.2.1.10)

use super::{Refused, names};
use crate::relying::certificate::Certificate;
use x509_cert::ext::pkix::{
    NameConstraints,
    constraints::name::GeneralSubtree,
    name::GeneralName::{self, DirectoryName, DnsName, Rfc822Name, UniformResourceIdentifier},
};

const EMAIL_ADDRESS: &str = "1.2.840.113549.1.9.1";

/// Constraints gathered along a path.
#[derive(Debug, Default)]
pub(super) struct State<'a> {
    /// A name must lie in one subtree of its form of each list that has any.
    permitted: Vec<&'a [GeneralSubtree]>,
    excluded: Vec<&'a GeneralSubtree>,
}

impl<'a> State<'a> {
    /// Takes the constraints of a CA.
    ///
    /// minimum and maximum are not used on the Internet: constraints that have them bind nobody can say whom.
    pub(super) fn take(&mut self, constraints: &'a NameConstraints) -> Result<(), Refused> {
        let lists = [&constraints.permitted_subtrees, &constraints.excluded_subtrees].map(|list| list.as_deref());
        let all = lists.into_iter().flatten().flatten();
        if all.clone().any(|subtree| subtree.minimum != 0 || subtree.maximum.is_some()) {
            return Err(Refused::NameConstraintsForm);
        }
        self.permitted.extend(lists[0]);
        self.excluded.extend(lists[1].into_iter().flatten());
        Ok(())
    }

    /// Whether a certificate's names obey.
    pub(super) fn check(&self, certificate: &Certificate) -> Result<(), Refused> {
        if self.permitted.is_empty() && self.excluded.is_empty() {
            return Ok(());
        }
        let subject = certificate.subject();
        if !subject.is_empty() {
            self.check_name(&DirectoryName(subject.clone()))?;
        }
        match &certificate.extensions().subject_alternative_name {
            Some(names) => names.0.iter().try_for_each(|name| self.check_name(name)),
            // An address in the subject counts where there is no place for alternatives.
            None => emails(certificate).try_for_each(|name| self.check_name(&name)),
        }
    }

    fn check_name(&self, name: &GeneralName) -> Result<(), Refused> {
        for list in &self.permitted {
            let mut of_this_form = list.iter().filter(|subtree| same_form(&subtree.base, name)).peekable();
            if of_this_form.peek().is_some() && !any(of_this_form, name)? {
                return Err(Refused::NameConstraints);
            }
        }
        let excluded = self.excluded.iter().copied().filter(|subtree| same_form(&subtree.base, name));
        if any(excluded, name)? { Err(Refused::NameConstraints) } else { Ok(()) }
    }
}

fn any<'s>(mut subtrees: impl Iterator<Item = &'s GeneralSubtree>, name: &GeneralName) -> Result<bool, Refused> {
    subtrees.try_fold(false, |found, subtree| Ok(found || within(name, &subtree.base)?))
}

fn same_form(one: &GeneralName, other: &GeneralName) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// Whether a name lies in a subtree of its own form. Forms without rules here are refused, so that nothing passes unjudged.
fn within(name: &GeneralName, base: &GeneralName) -> Result<bool, Refused> {
    match (name, base) {
        (DirectoryName(name), DirectoryName(base)) => Ok(names::within(name, base)),
        (DnsName(name), DnsName(base)) => Ok(dns_within(name.as_str(), base.as_str())),
        (Rfc822Name(name), Rfc822Name(base)) => email_within(name.as_str(), base.as_str()),
        (UniformResourceIdentifier(name), UniformResourceIdentifier(base)) => {
            uri_host(name.as_str()).map(|host| host_within(host, base.as_str())).ok_or(Refused::NameConstraintsForm)
        }
        _ => Err(Refused::NameConstraintsForm),
    }
}

/// A host: itself, or with a point in front everything below it.
fn host_within(host: &str, base: &str) -> bool {
    match base.strip_prefix('.') {
        Some(parent) => host.len() > parent.len() + 1 && dns_within(host, parent),
        None => host.eq_ignore_ascii_case(base),
    }
}

/// A domain and everything below it; the empty one has everything.
fn dns_within(name: &str, base: &str) -> bool {
    let (name, base) = (name.to_ascii_lowercase(), base.to_ascii_lowercase());
    let base = base.strip_prefix('.').unwrap_or(&base);
    base.is_empty() || name.strip_suffix(base).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn email_within(name: &str, base: &str) -> Result<bool, Refused> {
    let (mailbox, host) = name.rsplit_once('@').ok_or(Refused::NameConstraintsForm)?;
    Ok(match base.rsplit_once('@') {
        Some((of, at)) => mailbox == of && host.eq_ignore_ascii_case(at),
        None => host_within(host, base),
    })
}

/// The host of `scheme://[user@]host[:port][/…]`, if it is a name and no address.
fn uri_host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let is_name = !host.is_empty() && !host.starts_with('[') && !host.bytes().all(|c| c == b'.' || c.is_ascii_digit());
    is_name.then_some(host)
}

/// emailAddress attributes of the subject.
fn emails(certificate: &Certificate) -> impl Iterator<Item = GeneralName> {
    let attributes = certificate.subject().iter().filter(|one| one.oid.to_string() == EMAIL_ADDRESS);
    attributes.filter_map(|one| {
        let text = names::text(&one.value)?;
        der::asn1::Ia5String::new(text).ok().map(Rfc822Name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 5280 §4.2.1.10.
    #[test]
    fn hosts_and_addresses() {
        assert!(
            host_within("host.example.com", "host.example.com")
                && !host_within("a.host.example.com", "host.example.com")
        );
        assert!(host_within("my.host.example.com", ".example.com") && !host_within("example.com", ".example.com"));
        assert!(
            dns_within("www.host.example.com", "host.example.com")
                && dns_within("host.example.com", "host.example.com")
        );
        assert!(!dns_within("host1.example.com", "host.example.com") && !dns_within("badexample.com", "example.com"));
        let email = |name, base| email_within(name, base).expect("an address");
        assert!(email("root@example.com", "root@example.com") && !email("Root@example.com", "root@example.com"));
        assert!(email("a@EXAMPLE.com", "example.com") && !email("a@host.example.com", "example.com"));
        assert!(email("a@host.example.com", ".example.com") && !email("a@example.com", ".example.com"));
        assert!(email_within("nobody", "example.com").is_err());
    }

    #[test]
    fn hosts_of_uris() {
        assert_eq!(uri_host("http://user:secret@Example.com:80/path?x@y"), Some("Example.com"));
        for none in ["http:/example.com", "ldap:///", "http://127.0.0.1/", "http://[::1]/", "urn:x:y", ""] {
            assert_eq!(uri_host(none), None, "{none}");
        }
    }
}
