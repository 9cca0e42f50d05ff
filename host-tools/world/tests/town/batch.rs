//! Issue in bulk by many workers at once, while the call centre stops what was just handed out: no serial twice, nothing lost.

use crate::support::{BOTH, Town, everywhere};
use der::Decode;
use pki::{
    ca::pem,
    card_record::KeyOrigin,
    client::{Half, Jpki},
    kind::CardProfile,
    personalise::{Halves, Pins},
    profile::Hierarchy,
};
use sim::reader::Reader;
use std::{
    collections::HashSet,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};
use world::{
    WorldError,
    batch::{self, Batch, Plan},
    callcentre, ledger, register,
    status::{CardStatus, CertificateStatus},
};

const SIZE: u32 = 40;
const WORKERS: usize = 8;

fn plan(town: &Town) -> Plan {
    Plan {
        seed: 11,
        ages: (15, 90),
        on: pki::birthday::jst_date(town.now()),
        profile: CardProfile::by_name("jpki-only").expect("a profile"),
        keys: KeyOrigin::Imported,
        halves: BOTH,
    }
}

fn begin(town: &mut Town, size: u32) -> Batch {
    let (plan, now) = (plan(town), town.now());
    batch::begin(&mut town.world, now, plan, size).expect("begins")
}

fn pins() -> Pins {
    Pins::new("1234", "ABC123").expect("PINs")
}

/// Everything that must be so after any batch, whatever happened to its workers.
fn holds(town: &Town, batch: &Batch) {
    let world = &town.world;
    assert_eq!(batch::pending(world, &batch.id).expect("counts"), 0);
    let cards = world.cards().expect("reads");
    assert_eq!(cards.len(), batch.size as usize, "one card an item");
    let (mut serials, mut keys) = (HashSet::new(), HashSet::new());
    for card in &cards {
        assert!(card.is_out(), "{}: {:?}", card.record.id, card.status);
        let certificates = world.certificates(&card.record.id).expect("reads");
        assert_eq!(certificates.len(), 2);
        let mut reader = town.reader(&card.record.id);
        reader.power_on().expect("powers");
        let mut client = Jpki::select(&mut reader).expect("selects");
        // The signature certificate is behind the password. (card.md §6)
        client.verify(Half::Signature, "ABC123").expect("verifies");
        for one in certificates {
            let half = match one.hierarchy {
                Hierarchy::Signature => Half::Signature,
                _ => Half::Authentication,
            };
            let der = client.certificate(half.certificate()).expect("reads").expect("is there");
            assert_eq!(pem(&der), one.pem, "the image holds what is on record");
            let inside = x509_cert::Certificate::from_der(&der).expect("DER");
            let serial = inside.tbs_certificate().serial_number().as_bytes().to_vec();
            assert_eq!(serial, one.serial.to_be_bytes()[4 - serial.len()..], "{serial:02X?}");
            assert!(serials.insert((one.hierarchy.name(), one.serial)), "{:06X} twice", one.serial);
            let key = inside.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes().to_vec();
            assert!(keys.insert(key), "a key pair twice");
        }
    }
    let residents: HashSet<&str> = cards.iter().map(|card| card.resident.as_str()).collect();
    assert_eq!(residents.len(), cards.len(), "one card a resident");
}

/// Stops cards as they come; gives the serials that were held.
fn telephone(town: &(impl Fn() -> (world::World, time::OffsetDateTime) + Sync), working: &AtomicUsize) -> Vec<u32> {
    let (world, now) = town();
    let mut held = Vec::new();
    let mut last = false;
    loop {
        for card in world.cards().expect("reads").iter().filter(|card| card.status == CardStatus::Issued).step_by(2) {
            let stopped = callcentre::stop(&world, now, &card.record.id).expect("stops");
            assert_eq!(stopped.len(), 2);
            held.extend(stopped.iter().map(|one| one.serial));
        }
        if last {
            return held;
        }
        last = working.load(Ordering::SeqCst) == 0;
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn eight_workers_and_a_telephone_lose_nothing() {
    everywhere(|town| {
        let batch = begin(town, SIZE);
        let working = AtomicUsize::new(WORKERS);
        let (folder, now) = (town.world.folder().to_owned(), town.now());
        let another = || (world::World::open(&folder, None).expect("opens"), now);
        let (issued, held) = thread::scope(|scope| {
            let workers: Vec<_> = (0..WORKERS)
                .map(|_| {
                    let (world, batch, working) = (&town.world, &batch, &working);
                    scope.spawn(move || {
                        let pins = pins();
                        let mut issued = Vec::new();
                        while let Some(card) = batch::work_one(world, now, batch, &pins).expect("works") {
                            issued.push(card);
                        }
                        working.fetch_sub(1, Ordering::SeqCst);
                        issued
                    })
                })
                .collect();
            let telephone = scope.spawn(|| telephone(&another, &working));
            let issued: Vec<String> = workers.into_iter().flat_map(|one| one.join().expect("ends")).collect();
            (issued, telephone.join().expect("ends"))
        });
        assert_eq!(issued.iter().collect::<HashSet<_>>().len(), SIZE as usize);
        holds(town, &batch);
        // What was held during the run is held, and nothing else; the ledger has all of it.
        let events = ledger::events(&town.world, &ledger::Filter::default()).expect("reads");
        let ids: Vec<i64> = events.iter().map(|event| event.id).collect();
        assert_eq!(ids, (1..=events.len() as i64).collect::<Vec<_>>(), "without gaps");
        let noted = |name: &str| events.iter().filter(|event| event.event == name).count();
        assert!(!held.is_empty() && noted("certificate-suspended") == held.len());
        assert_eq!(noted("certificate-issued"), 2 * SIZE as usize);
        assert_eq!(noted("card-issued"), SIZE as usize);
        let mut still = 0;
        for card in town.world.cards().expect("reads") {
            for one in town.world.certificates(&card.record.id).expect("reads") {
                let is_held = one.status == CertificateStatus::Held;
                assert_eq!(is_held, card.status == CardStatus::Stopped, "{}", one.what());
                still += usize::from(is_held);
            }
        }
        assert_eq!(still, held.len());
    });
}

#[test]
fn what_a_dead_worker_claimed_comes_back() {
    everywhere(|town| {
        let batch = begin(town, 2);
        // Somebody claimed everything and died.
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        town.sql(&format!("UPDATE batch_items SET claimed = {now}")).expect("claims");
        assert_eq!(batch::work_one(&town.world, town.now(), &batch, &pins()).expect("looks"), None);
        assert_eq!(batch::pending(&town.world, &batch.id).expect("counts"), 2);
        // Time passes for one item.
        let long_ago = now - batch::PATIENCE - 1;
        town.sql(&format!("UPDATE batch_items SET claimed = {long_ago} WHERE item = 2")).expect("ages");
        assert!(batch::work_one(&town.world, town.now(), &batch, &pins()).expect("works").is_some());
        assert_eq!(batch::work_one(&town.world, town.now(), &batch, &pins()).expect("looks"), None);
        // Whoever goes on with the batch need not wait for the other.
        let now = town.now();
        let batch = batch::resume(&mut town.world, now, &batch.id).expect("resumes");
        assert_eq!(batch.plan, plan(town), "the plan was kept");
        assert!(batch::work_one(&town.world, town.now(), &batch, &pins()).expect("works").is_some());
        holds(town, &batch);
    });
}

#[test]
fn a_my_number_that_is_somebodys_is_not_given_again() {
    everywhere(|town| {
        let first = begin(town, 2);
        let now = town.now();
        while batch::work_one(&town.world, now, &first, &pins()).expect("works").is_some() {}
        // The same plan gives the same people, whose My Numbers are theirs.
        let second = begin(town, 2);
        while batch::work_one(&town.world, now, &second, &pins()).expect("works").is_some() {}
        let everybody = register::all(&town.world).expect("reads");
        assert_eq!(everybody.len(), 4);
        let numbers: HashSet<_> =
            everybody.iter().map(|one| one.person.my_number.as_ref().expect("has one").digits()).collect();
        assert_eq!(numbers.len(), 4);
        assert_eq!(everybody.iter().map(|one| &one.person.name).collect::<HashSet<_>>().len(), 2, "invented alike");
    });
}

#[test]
fn bad_batches_are_refused() {
    everywhere(|town| {
        let now = town.now();
        for size in [0, batch::MOST + 1] {
            let plan = plan(town);
            assert!(matches!(batch::begin(&mut town.world, now, plan, size), Err(WorldError::Rule(_))), "{size}");
        }
        let children = Plan {
            ages: (0, 90),
            profile: CardProfile::by_name("juki-card").expect("a profile"),
            halves: Halves { signature: true, authentication: false },
            ..plan(town)
        };
        assert!(matches!(batch::begin(&mut town.world, now, children, 1), Err(WorldError::Rule(_))));
        assert!(matches!(batch::get(&town.world, "batch-0001"), Err(WorldError::NoBatch(_))));
    });
}
