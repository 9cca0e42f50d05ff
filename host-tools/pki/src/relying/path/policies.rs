//! Certificate policies along a path. (RFC 5280 §6.1, with RFC 9618's bound on the work)
//!
//! The RFC draws a tree and prunes it. All that is asked of the tree in the end is which of the anchor's own policies still
//! have a descendant at the leaf; so a policy here carries its *origins*, the policies below anyPolicy at which its branches
//! began, and there is nothing to prune: what has no descendant is not carried on. Work is bounded by the policies of a
//! certificate, not by the number of branches.

use super::{Refused, Rules};
use crate::relying::certificate::Extensions;
use der::asn1::ObjectIdentifier;
use std::collections::{BTreeMap, BTreeSet};
use x509_cert::ext::pkix::PolicyMappings;

/// anyPolicy
pub const ANY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32.0");

type Set = BTreeSet<ObjectIdentifier>;

/// The policies for which a path is valid: the user-constrained-policy-set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policies {
    /// anyPolicy all the way.
    Any,
    /// These, as the certificates below the anchor name them.
    These(Set),
}

impl Policies {
    /// Whether this one is among them.
    #[must_use]
    pub fn hold(&self, policy: &ObjectIdentifier) -> bool {
        match self {
            Policies::Any => true,
            Policies::These(these) => these.contains(policy),
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Policies::These(these) if these.is_empty())
    }
}

/// A policy that holds as far as the path has been walked.
#[derive(Debug, Clone)]
struct Node {
    /// What the next certificate may call it.
    expected: Set,
    /// What the certificate below anyPolicy called it.
    origins: Set,
}

/// What is carried from certificate to certificate.
#[derive(Debug)]
pub(super) struct State {
    /// By their own names; [`ANY`] among them where anything still goes.
    nodes: BTreeMap<ObjectIdentifier, Node>,
    explicit: u32,
    mapping: u32,
    any: u32,
}

/// Where a certificate stands in its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The leaf.
    pub last: bool,
    /// Issuer and subject are the same.
    pub self_issued: bool,
}

impl State {
    /// Before the first of `length` certificates. (RFC 5280 §6.1.2)
    pub(super) fn new(rules: &Rules, length: usize) -> Self {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let start = |set: bool| if set { 0 } else { length.saturating_add(1) };
        let node = Node { expected: Set::from([ANY]), origins: Set::from([ANY]) };
        State {
            nodes: BTreeMap::from([(ANY, node)]),
            explicit: start(rules.require_explicit_policy),
            mapping: start(rules.inhibit_policy_mapping),
            any: start(rules.inhibit_any_policy),
        }
    }

    /// Takes the policies of the next certificate. (§6.1.3 d to f)
    pub(super) fn take(&mut self, extensions: &Extensions, place: Place) -> Result<(), Refused> {
        let named: Option<Set> =
            extensions.policies.as_ref().map(|list| list.0.iter().map(|one| one.policy_identifier).collect());
        self.nodes = match named {
            None => BTreeMap::new(),
            Some(named) => {
                let any = named.contains(&ANY) && (self.any > 0 || (!place.last && place.self_issued));
                self.below(&named, any)
            }
        };
        if self.explicit == 0 && self.nodes.is_empty() { Err(Refused::Policy) } else { Ok(()) }
    }

    /// The nodes of the next depth.
    fn below(&self, named: &Set, any: bool) -> BTreeMap<ObjectIdentifier, Node> {
        let open = self.nodes.contains_key(&ANY);
        // What the nodes of this depth expect, and the origins that each expectation brings.
        let mut expected: BTreeMap<ObjectIdentifier, Set> = BTreeMap::new();
        for node in self.nodes.values() {
            for policy in &node.expected {
                expected.entry(*policy).or_default().extend(&node.origins);
            }
        }
        let mut next = BTreeMap::new();
        let mut put = |policy: ObjectIdentifier, origins: Set| {
            next.insert(policy, Node { expected: Set::from([policy]), origins });
        };
        for policy in named.iter().filter(|policy| **policy != ANY) {
            match expected.get(policy) {
                Some(origins) => put(*policy, origins.clone()),
                None if open => put(*policy, Set::from([*policy])),
                None => {}
            }
        }
        if any {
            for (policy, origins) in expected.iter().filter(|(policy, _)| !named.contains(*policy) || **policy == ANY) {
                put(*policy, origins.clone());
            }
        }
        next
    }

    /// Prepares for the certificate below. (§6.1.4 a, b, h, i, j)
    pub(super) fn prepare(&mut self, extensions: &Extensions, place: Place) -> Result<(), Refused> {
        if let Some(mappings) = &extensions.policy_mappings {
            self.map(mappings)?;
        }
        if !place.self_issued {
            for counter in [&mut self.explicit, &mut self.mapping, &mut self.any] {
                *counter = counter.saturating_sub(1);
            }
        }
        let lower =
            |counter: &mut u32, limit: Option<u32>| *counter = limit.map_or(*counter, |limit| limit.min(*counter));
        if let Some(constraints) = &extensions.policy_constraints {
            lower(&mut self.explicit, constraints.require_explicit_policy);
            lower(&mut self.mapping, constraints.inhibit_policy_mapping);
        }
        lower(&mut self.any, extensions.inhibit_any_policy.map(|inhibit| inhibit.0));
        Ok(())
    }

    fn map(&mut self, mappings: &PolicyMappings) -> Result<(), Refused> {
        let mut targets: BTreeMap<ObjectIdentifier, Set> = BTreeMap::new();
        for mapping in &mappings.0 {
            if [mapping.issuer_domain_policy, mapping.subject_domain_policy].contains(&ANY) {
                return Err(Refused::MappedAny);
            }
            targets.entry(mapping.issuer_domain_policy).or_default().insert(mapping.subject_domain_policy);
        }
        for (policy, expected) in targets {
            if self.mapping == 0 {
                self.nodes.remove(&policy);
            } else if let Some(node) = self.nodes.get_mut(&policy) {
                node.expected = expected;
            } else if self.nodes.contains_key(&ANY) {
                self.nodes.insert(policy, Node { expected, origins: Set::from([policy]) });
            }
        }
        Ok(())
    }

    /// What is left at the leaf, of what the rules want. (§6.1.5 a, b, g)
    pub(super) fn finish(mut self, leaf: &Extensions, rules: &Rules) -> Result<Policies, Refused> {
        self.explicit = self.explicit.saturating_sub(1);
        if leaf.policy_constraints.as_ref().and_then(|one| one.require_explicit_policy) == Some(0) {
            self.explicit = 0;
        }
        let any = self.nodes.contains_key(&ANY);
        let origins: Set = self.nodes.values().flat_map(|node| &node.origins).copied().collect();
        let wanted = &rules.policies;
        let left = match (wanted.is_empty(), any) {
            (true, true) => Policies::Any,
            (true, false) => Policies::These(origins),
            (false, true) => Policies::These(wanted.clone()),
            (false, false) => Policies::These(wanted.intersection(&origins).copied().collect()),
        };
        if self.explicit == 0 && left.is_empty() { Err(Refused::Policy) } else { Ok(left) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use der::{Decode, Encode};
    use x509_cert::ext::pkix::{CertificatePolicies, certpolicy::PolicyInformation};

    fn policy(number: u32) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap("1.2.392.999").push_arc(number).expect("an arc")
    }

    /// Every policy mapped to every other, at every depth: a tree would have 8 to the power of 8 leaves.
    #[test]
    fn mappings_do_not_multiply() {
        let named = |policy_identifier| PolicyInformation { policy_identifier, policy_qualifiers: None };
        let pairs = (0..8).flat_map(|one| (0..8).map(move |other| [policy(one), policy(other)]));
        let mappings = pairs.collect::<Vec<_>>().to_der().expect("encodes");
        let extensions = Extensions {
            policies: Some(CertificatePolicies((0..8).map(|one| named(policy(one))).collect())),
            policy_mappings: Some(PolicyMappings::from_der(&mappings).expect("decodes")),
            ..Extensions::default()
        };
        let rules =
            Rules { policies: Set::from([policy(3), policy(99)]), require_explicit_policy: true, ..Rules::default() };
        let mut state = State::new(&rules, 8);
        for depth in 0..8 {
            let place = Place { last: depth == 7, self_issued: false };
            state.take(&extensions, place).expect("a policy is left");
            assert_eq!(state.nodes.len(), 8);
            if !place.last {
                state.prepare(&extensions, place).expect("maps");
            }
        }
        assert_eq!(state.finish(&extensions, &rules), Ok(Policies::These(Set::from([policy(3)]))));
    }
}
