//! Applications on record: accepted once, refused as often as they come.

use crate::support::{everywhere, wait};
use pki::profile::Hierarchy;
use std::collections::BTreeSet;
use world::{
    application::{self, Application, Judged, Kept},
    ledger,
    store::Store,
};

const MESSAGE: &[u8] = b"CMS in DER";

fn judged<'a>(digest: &'a [u8; 32], accepted: bool) -> Judged<'a> {
    Judged {
        digest,
        receipt: &[0xEE; 32],
        certificate: (Hierarchy::Signature, 0x10_0002),
        procedure: if accepted { "【模擬】自動車税" } else { "" },
        report: r#"{"accepted":true}"#,
        accepted: accepted.then_some((MESSAGE, Some(&b"beside"[..]))),
    }
}

#[test]
fn what_was_accepted_is_accepted_once_however_many_send_it() {
    everywhere(|town| {
        let (url, now) = (town.world.database(), town.now());
        let (kept, refused) = wait(async {
            let store = Store::connect(&url).await.expect("connects");
            let at_once = (0..4).map(|_| {
                let store = store.clone();
                tokio::spawn(
                    async move { application::keep(&store, now, &judged(&[1; 32], true)).await.expect("keeps") },
                )
            });
            let mut kept = Vec::new();
            for one in at_once.collect::<Vec<_>>() {
                kept.push(one.await.expect("ends"));
            }
            let mut refused = Vec::new();
            for _ in 0..2 {
                refused.push(application::keep(&store, now, &judged(&[2; 32], false)).await.expect("keeps"));
            }
            (kept, refused)
        });
        assert_eq!(kept.iter().map(|one| one.number).collect::<BTreeSet<_>>(), BTreeSet::from([1]));
        assert_eq!(kept.iter().filter(|one| !one.before).count(), 1);
        assert_eq!(refused, [2, 3].map(|number| Kept { number, before: false }), "numbers have no gaps");
        let all = application::all(&town.world, 0).expect("reads");
        let [first, second, _] = &all[..] else { panic!("{all:?}") };
        assert_eq!((first.message.as_deref(), first.content.as_deref()), (Some(MESSAGE), Some(&b"beside"[..])));
        assert_eq!((first.accepted, first.at, first.serial.as_str(), first.receipt), (true, now, "100002", [0xEE; 32]));
        assert_eq!((second.accepted, &second.message, second.procedure.as_str()), (false, &None, ""));
        assert_eq!(application::all(&town.world, 2).expect("reads").len(), 1);
        assert!(application::one(&town.world, 4).expect("reads").is_none());
        let events = ledger::events(&town.world, &ledger::Filter::default()).expect("reads");
        let noted = events.iter().filter(|event| event.event.starts_with("application-"));
        let noted: Vec<_> = noted.map(|event| (event.event.as_str(), event.detail.as_str())).collect();
        let [accepted, refused] = ["application-accepted", "application-refused"];
        assert_eq!(noted, [(accepted, "1"), (refused, "2"), (refused, "3")]);
        let Application { report, .. } = first;
        assert_eq!(report["accepted"], true);
    });
}
