//! Accounts of services: whose a certificate is, sessions and transfer codes, each once and until its end.

use crate::support::{Town, everywhere, wait};
use time::Duration;
use world::{
    account::{self, Account, AccountError, Entry, Presented, SESSION, TRANSFER},
    store::Store,
};

const SERVICE: &str = "login.test";

const fn presented<'a>(service: &'a str, serial: &'a str) -> Presented<'a> {
    Presented { service, issuer: "CN=authentication", serial }
}

/// Does something with the town's database.
fn on<T>(town: &Town, act: impl AsyncFn(&Store) -> T) -> T {
    wait(async { act(&Store::connect(&town.world.database()).await.expect("connects")).await })
}

async fn first(store: &Store, town: &Town, of: Presented<'_>, session: u8) -> (Account, Entry) {
    account::log_in(store, town.now(), of, None, &[session; 32]).await.expect("logs in")
}

#[test]
fn a_certificate_has_one_account_at_each_service() {
    everywhere(|town| {
        on(town, async |store| {
            let (account, entry) = first(store, town, presented(SERVICE, "100002"), 1).await;
            assert_eq!((entry, account.certificates), (Entry::Registered, 1));
            let again = first(store, town, presented(SERVICE, "100002"), 2).await;
            assert_eq!(again, (account.clone(), Entry::Known));
            for other in [presented(SERVICE, "100003"), presented("other.test", "100002")] {
                let (stranger, entry) = first(store, town, other, 3 + u8::from(other.service == SERVICE)).await;
                assert!(entry == Entry::Registered && stranger.id != account.id, "{other:?}");
            }
            let of = async |service, session, later| {
                account::of_session(store, town.now() + later, service, &[session; 32]).await.expect("reads")
            };
            let (begin, end) = (Duration::ZERO, SESSION);
            assert_eq!(of(SERVICE, 1, begin).await, Some(account.clone()));
            assert_eq!(of(SERVICE, 1, end - Duration::seconds(1)).await, Some(account));
            assert_eq!(of(SERVICE, 1, end).await, None, "over");
            assert_eq!(of("other.test", 1, begin).await, None, "another service's");
            assert_eq!(of(SERVICE, 99, begin).await, None, "nobody's");
            assert!(account::log_out(store, &[1; 32]).await.expect("ends"));
            assert!(!account::log_out(store, &[1; 32]).await.expect("ends"));
            assert_eq!(of(SERVICE, 1, begin).await, None);
            // The ninth session ends another one; never the new one.
            for session in 10..30 {
                first(store, town, presented(SERVICE, "100002"), session).await;
                assert!(of(SERVICE, session, begin).await.is_some(), "{session}");
            }
            let mut open = 0;
            for session in 1..30 {
                open += usize::from(of(SERVICE, session, begin).await.is_some_and(|one| one.certificates == 1));
            }
            assert_eq!(open, 9, "eight of this account, one of the stranger");
        });
    });
}

#[test]
fn a_transfer_code_is_good_once_here_and_in_time() {
    everywhere(|town| {
        on(town, async |store| {
            let (account, _) = first(store, town, presented(SERVICE, "100002"), 1).await;
            let draw = async |session, code| {
                let drawn = account::draw_transfer(store, town.now(), SERVICE, &[session; 32], &[code; 32]).await;
                drawn.expect("draws")
            };
            assert_eq!(draw(9, 100).await, None, "nobody's session");
            assert_eq!(draw(1, 101).await, Some(town.now() + TRANSFER));
            assert_eq!(draw(1, 102).await, Some(town.now() + TRANSFER));
            let give = async |of, code: u8, session: u8, later| {
                account::log_in(store, town.now() + later, of, Some(&[code; 32]), &[session; 32]).await
            };
            let new = presented(SERVICE, "100009");
            for (of, code, later) in [
                (new, 100, Duration::ZERO),
                (new, 101, Duration::ZERO),
                (presented("other.test", "100009"), 102, Duration::ZERO),
                // A session's token is no code.
                (new, 1, Duration::ZERO),
            ] {
                assert!(matches!(give(of, code, 2, later).await, Err(AccountError::Code)), "{of:?} {code}");
            }
            let own = give(presented(SERVICE, "100002"), 102, 2, Duration::ZERO).await;
            assert!(matches!(own, Err(AccountError::Taken)));
            let last = TRANSFER - Duration::seconds(1);
            let (moved, entry) = give(new, 102, 2, last).await.expect("brings it over");
            assert_eq!((moved.id.as_str(), moved.certificates, entry), (&*account.id, 2, Entry::Transferred));
            let used = give(presented(SERVICE, "10000A"), 102, 3, last).await;
            assert!(matches!(used, Err(AccountError::Code)), "used up");
            assert_eq!(draw(2, 103).await, Some(town.now() + TRANSFER));
            let late = give(presented(SERVICE, "10000A"), 103, 3, TRANSFER).await;
            assert!(matches!(late, Err(AccountError::Code)), "over");
        });
    });
}
