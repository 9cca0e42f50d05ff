//! Cards in bulk from the command line: workers that are killed at any moment, and what must be so when the batch is done.

use crate::support::{Killed, Said, World, binary, run};
use der::Decode;
use pki::{
    ca::pem,
    client::{Half, Jpki},
    profile::Hierarchy,
};
use serde_json::Value;
use sim::{
    card::{Direct, StoredCard},
    reader::Reader,
    rng::SimRng,
};
use std::{
    collections::HashSet,
    process::{Child, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use vectors::skipped;
use world::{batch, callcentre, ledger, status::CertificateStatus};

const SIZE: u32 = 24;
const BATCH: &str = "batch-0001";

fn start(world: &World, arguments: &[&str]) -> Child {
    let mut command = binary();
    command.args([&["issue", world.name()], arguments].concat()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("starts")
}

fn open(world: &World) -> world::World {
    world::World::open(&world.path, None).expect("opens")
}

/// Kills a worker; whether it was at work.
fn kill(mut worker: Killed) -> bool {
    let at_work = matches!(worker.0.try_wait(), Ok(None));
    let _ = worker.0.kill();
    let _ = worker.0.wait();
    at_work
}

/// Begins a batch with a worker that dies early.
fn begin(world: &World) {
    let size = SIZE.to_string();
    // Children have no signature certificate, so nothing to open it with.
    let options = ["--count", &size, "--jobs", "1", "--profile", "jpki-only", "--seed", "5", "--age", "16..90"];
    let worker = Killed(start(world, &options));
    let database = open(world);
    crate::support::until("the batch", || batch::get(&database, BATCH).is_ok());
    kill(worker);
}

/// Starts workers and kills them, until half of the batch is done; gives the serials that were held on the way.
fn killing(world: &World) -> Vec<(Hierarchy, u32)> {
    let database = open(world);
    let (mut killed, mut held) = (0, Vec::new());
    for round in 0..40_u64 {
        let pending = || batch::pending(&database, BATCH).expect("counts");
        let before = pending();
        if before <= SIZE / 2 {
            break;
        }
        let workers: Vec<Killed> = (0..4).map(|_| Killed(start(world, &["--resume", BATCH, "--jobs", "1"]))).collect();
        // A fast machine must not finish before anybody died, and a slow one must get somewhere.
        let (begun, longest) = (Instant::now(), Duration::from_millis(700 + 230 * (round % 8)));
        while begun.elapsed() < longest && pending() + 3 > before {
            sleep(Duration::from_millis(10));
        }
        for worker in workers {
            // Not all at one moment.
            sleep(Duration::from_millis(29));
            killed += u32::from(kill(worker));
        }
        let stopped: HashSet<_> = held.iter().map(|(card, ..): &(String, _, _)| card.clone()).collect();
        let next = database.cards().expect("reads").into_iter().find(|card| !stopped.contains(&card.record.id));
        if let Some(card) = next {
            let now = database.now().expect("a time");
            let suspended = callcentre::stop(&database, now, &card.record.id).expect("stops");
            held.extend(suspended.iter().map(|one| (one.card.clone(), one.hierarchy, one.serial)));
        }
    }
    assert!(killed > 4, "{killed} workers died at work");
    held.into_iter().map(|(_, hierarchy, serial)| (hierarchy, serial)).collect()
}

/// Everything that must be so when a batch is done.
fn holds(world: &World, held: &[(Hierarchy, u32)]) {
    let database = open(world);
    let cards = database.cards().expect("reads");
    assert_eq!(cards.len(), SIZE as usize, "one card an item");
    let mut serials = HashSet::new();
    for card in &cards {
        assert!(card.is_out(), "{}: {:?}", card.record.id, card.status);
        let stored = StoredCard::open(&world.image(&card.record.id), SimRng::seeded(1)).expect("opens");
        let mut reader = Direct(stored.fork());
        reader.power_on().expect("powers");
        let mut client = Jpki::select(&mut reader).expect("selects");
        client.verify(Half::Signature, "ABC123").expect("verifies");
        let certificates = database.certificates(&card.record.id).expect("reads");
        assert!(!certificates.is_empty());
        for one in certificates {
            let half = if one.hierarchy == Hierarchy::Signature { Half::Signature } else { Half::Authentication };
            let der = client.certificate(half.certificate()).expect("reads").expect("is there");
            assert_eq!(pem(&der), one.pem, "the image holds what is on record");
            let inside = x509_cert::Certificate::from_der(&der).expect("DER");
            let serial = inside.tbs_certificate().serial_number().as_bytes().to_vec();
            assert!(serials.insert((one.hierarchy.name(), serial)), "{} twice", one.what());
            let is_held = held.contains(&(one.hierarchy, one.serial));
            assert_eq!(one.status == CertificateStatus::Held, is_held, "{}", one.what());
        }
    }
    let events = ledger::events(&database, &ledger::Filter::default()).expect("reads");
    let noted = |name: &str| events.iter().filter(|event| event.event == name).count();
    assert_eq!(noted("certificate-suspended"), held.len());
    assert_eq!(noted("certificate-issued"), serials.len());
    assert_eq!(noted("card-issued"), cards.len());
}

fn survive(world: &World) {
    begin(world);
    let held = killing(world);
    assert!(!held.is_empty(), "something was held while the batch was worked off");
    let said = world.run(&["issue", "--resume", BATCH, "--jobs", "2", "--json"]).succeeded();
    let done: Value = serde_json::from_str(&said.out).expect("json");
    assert_eq!((&done["pending"], &done["batch"]), (&0.into(), &BATCH.into()));
    assert!(done["issued"].as_u64().expect("a number") > 0 && said.err.is_empty(), "{said:?}");
    holds(world, &held);
    // Nothing is left, so nothing happens.
    let said = world.run(&["issue", "--resume", BATCH]).succeeded();
    assert!(said.err.contains("0 cards in") && said.out.trim() == BATCH, "{said:?}");
}

#[test]
fn killed_workers_lose_nothing() {
    survive(&World::new());
}

#[test]
fn killed_workers_lose_nothing_on_postgresql() {
    let Ok(server) = std::env::var("JITSUIN_POSTGRES") else {
        return skipped("PostgreSQL: JITSUIN_POSTGRES names no server (Debian package postgresql)");
    };
    let name = format!("jitsuin_batch_{}", hex::encode(rand()));
    sqlx::any::install_default_drivers();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let pool = sqlx::AnyPool::connect(&format!("{server}/postgres")).await.expect("the server answers");
        sqlx::query(&format!("CREATE DATABASE {name}")).execute(&pool).await.expect("makes a database");
    });
    survive(&World::with(&["--database", &format!("{server}/{name}")]));
}

fn rand() -> [u8; 4] {
    rand_core::Rng::next_u32(&mut SimRng::from_os().expect("randomness")).to_be_bytes()
}

#[test]
fn a_batch_says_what_it_did_and_what_it_will_not_do() {
    let world = World::new();
    let issue = |arguments: &[&str]| -> Said { world.run(&[&["issue"], arguments].concat()) };
    let said =
        issue(&["--count", "3", "--jobs", "2", "--profile", "jpki-only", "--seed", "9", "--age", "20..30"]).succeeded();
    assert_eq!(said.out.trim(), BATCH, "{said:?}");
    assert!(
        said.err.contains("--seed 9") && said.err.contains("3 cards in") && said.err.contains("cards/s"),
        "{said:?}"
    );
    world.run(&["check", "card-0001"]).succeeded();
    issue(&["--count", "0"]).failed(2, &["1..=1000000"]);
    issue(&["--count", "2", "--person", "sample-1"]).failed(2, &["--count"]);
    issue(&["--count", "2", "--auth-pin", "12"]).failed(2, &["digits"]);
    issue(&["--jobs", "2"]).failed(2, &["--count N"]);
    issue(&["--seed", "2"]).failed(2, &["--count"]);
    issue(&["--count", "2", "--profile", "juki-card", "--sign-pin", "ABC123"]).failed(1, &["under 15"]);
    issue(&["--resume", "batch-0002"]).failed(1, &["no batch", "--count N"]);
    assert!(run(binary().args(["issue", "--help"])).succeeded().out.contains("--jobs"));
}

/// Ctrl-C: the cards in hand are finished, and it says how to go on.
#[cfg(unix)]
#[test]
fn an_interrupted_batch_says_how_to_go_on() {
    let world = World::new();
    let mut command = binary();
    command.args(["issue", world.name(), "--count", "500", "--jobs", "2", "--profile", "jpki-only"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    let database = open(&world);
    crate::support::until("a card", || !database.cards().expect("reads").is_empty());
    run(std::process::Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())])).succeeded();
    let said = Said::from(child.wait_with_output().expect("ends"));
    let said = said.failed(1, &["stopped", "--resume batch-0001"]);
    let left = batch::pending(&database, BATCH).expect("counts");
    assert!(left > 0 && said.err.contains(&format!("{left} are left")), "{said:?}");
    assert_eq!(database.cards().expect("reads").len(), 500 - left as usize);
}
