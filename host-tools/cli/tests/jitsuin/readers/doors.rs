//! More sockets than one, vpcd's two slots, and the path of the system.

use super::{FIRST, WRONG, tries};
use crate::{
    clients::{have, pcscd::Pcscd},
    support::{World, binary, mode, run, until},
};
use sim::{
    pcsc::{PcscReader, list_readers},
    reader::Reader,
};
use std::{fs, os::unix::net::UnixStream, path::PathBuf};

#[test]
fn every_card_of_a_world_has_a_reader_of_its_own() {
    let world = World::new();
    let cards: Vec<String> = (0..2).map(|_| world.issue(&[])).collect();
    let socket = world.file("pcsc");
    let empty: Vec<String> = (0..16).map(|number| format!("Empty {number}")).collect();
    let mut options = vec!["--all", "--pcsc", socket.to_str().expect("plain")];
    empty.iter().for_each(|name| options.extend(["--reader", name]));
    let _serving = world.serve_all_of(18, &options);
    let names = list_readers(&socket).expect("lists");
    assert_eq!(names.len(), 16, "as many as every client can see");
    let second = PathBuf::from(format!("{}.1", socket.display()));
    assert_eq!(list_readers(&second).expect("lists"), ["Empty 14", "Empty 15"]);
    for name in &names[..cards.len()] {
        assert_eq!(tries(&mut PcscReader::open(&socket, Some(name)).expect("opens")), 3);
    }
    for (arguments, words) in [
        (&["--reader", "A=", "--reader", "A"][..], "two readers of one name"),
        (&[], "nothing to serve"),
        (&["--reader", ""], "no name"),
        (&["--vpcd-listen", "192.0.2.1:1", "--pcsc", "x"], "not on this machine"),
        (&["card-0001", "--vpcd", "127.0.0.1:1", "--vpcd", "127.0.0.1:2"], "more --vpcd than readers"),
        (&["--reader", "A"], "no place for the socket"),
    ] {
        let said = run(binary().args(["serve", world.name()]).args(arguments));
        assert!(said.code != Some(0) && said.err.contains(words), "{arguments:?}: {said:?}");
    }
}

/// vpcd has two slots, the second one port further.
#[test]
fn both_slots_of_vpcd_have_a_card() {
    if !Pcscd::is_there() {
        return;
    }
    let world = World::new();
    let cards = [world.issue(&[]), world.issue(&["--person", "sample-2"])];
    let socket = world.file("pcscd");
    let pcscd = Pcscd::start(&socket);
    let (host, port) = pcscd.address.rsplit_once(':').expect("a port");
    let further = format!("{host}:{}", port.parse::<u16>().expect("a number") + 1);
    let second = format!("Second={}", cards[1]);
    let (own, path) = (world.file("pcsc"), world.file("pcsc").display().to_string());
    let options = ["--reader", &second, "--vpcd", &pcscd.address, "--vpcd", &further, "--pcsc", &path];
    let _serving = world.serve_all(&cards[0], 2, &options);
    for name in [Pcscd::READER, "Virtual PCD 00 01"] {
        let open = || PcscReader::open(&socket, Some(name));
        until("the card is seen", || open().and_then(|mut reader| reader.atr()).is_ok_and(|atr| !atr.is_empty()));
        let mut reader = open().expect("opens");
        assert_eq!(tries(&mut reader), 3);
        assert_eq!(reader.transmit(WRONG).expect("answers"), [0x63, 0xC2]);
    }
    // The same two cards at our own socket, at the same time.
    for name in [FIRST, "Second"] {
        assert_eq!(tries(&mut PcscReader::open(&own, Some(name)).expect("opens")), 2);
    }
    // A card that is taken out by hand is gone there too, and comes back.
    let control = format!("{path}.ctl");
    let ctl = |arguments: &[&str]| run(binary().args(["ctl", "--control", &control]).args(arguments)).succeeded();
    let is_seen = || {
        let reader = PcscReader::open(&socket, Some(Pcscd::READER));
        reader.and_then(|mut reader| reader.atr()).is_ok_and(|atr| !atr.is_empty())
    };
    ctl(&["remove", "--reader", FIRST]);
    until("pcscd sees it go", || !is_seen());
    ctl(&["insert", &cards[0], "--reader", FIRST]);
    until("pcscd sees it come", is_seen);
}

/// Programs that cannot be told of another socket look where libpcsclite was compiled to look.
#[test]
fn the_systems_own_path_is_answered() {
    if !have((&["opensc-tool"], "opensc")) {
        return;
    }
    let folder = PathBuf::from("/run/pcscd");
    let socket = folder.join("pcscd.comm");
    let may = fs::create_dir_all(&folder).and_then(|()| tempfile::tempfile_in(&folder)).is_ok();
    if !may || UnixStream::connect(&socket).is_ok() {
        println!("not tried: {} is not ours to open", socket.display());
        return;
    }
    let world = World::new();
    let card = world.issue(&[]);
    let serving = world.serve(&card, &["--system"]);
    assert_eq!(mode(&socket), 0o666, "for programs of every user");
    assert!(!folder.join("pcscd.comm.ctl").exists(), "and no hand at the readers for them");
    let said = run(std::process::Command::new("opensc-tool").arg("-n").env_remove("PCSCLITE_CSOCK_NAME"));
    assert_eq!(said.succeeded().out.trim(), "jpki");
    let second = run(binary().args(["serve", world.name(), "--reader", "Other", "--system"]));
    assert!(second.code == Some(1) && second.err.contains("another server answers there"), "{second:?}");
    serving.interrupt();
    assert!(!socket.exists());
}
