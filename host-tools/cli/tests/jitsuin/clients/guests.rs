//! Other people's virtual cards in our reader: vsmartcard's `vicc`, which takes it for vpcd.

use super::{Clients, have};
use crate::support::{Killed, World, until};
use std::{
    fs,
    net::TcpListener,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
};

/// Where Debian puts the emulator's modules, which Python does not look through, and the library that it asks for by its old name.
const MODULES: &str = "/usr/lib/python3/site-packages/virtualsmartcard";
const CRYPTO: &str = "/usr/lib/python3/dist-packages/Cryptodome";

#[test]
fn vicc_sits_in_a_reader() {
    let packages = "vsmartcard-vpicc python3-pycryptodome opensc";
    if !have((&["vicc", "opensc-tool"], packages)) {
        return;
    }
    if !Path::new(CRYPTO).exists() {
        vectors::skipped("Python's Cryptodome not found; install Debian's package python3-pycryptodome");
        return;
    }
    let world = World::new();
    world.issue(&[]);
    let address = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a port");
    let socket = world.file("pcsc");
    let options = ["--vpcd-listen", &address.to_string(), "--pcsc", socket.to_str().expect("plain")];
    let _serving = world.serve_all_of(1, &options);
    let clients = Clients::new(&socket);
    let is_seen = || clients.run("opensc-tool", &["-a"]).out.contains("3b:95:13:81:01:80:73:ff:01:00:0b");
    assert!(!is_seen());
    for _ in 0..2 {
        let vicc = vicc(&clients, address.port());
        until("the emulator's card is seen", is_seen);
        let said = clients.run("opensc-tool", &["-s", "0084000008"]).succeeded().all();
        assert!(said.contains("Received (SW1=0x90, SW2=0x00):"), "eight random bytes: {said}");
        drop(vicc);
        until("the reader is empty", || !is_seen());
    }
}

fn vicc(clients: &Clients, port: u16) -> Killed {
    let old_names = clients.file("modules");
    let _ = fs::create_dir(&old_names);
    let _ = symlink(CRYPTO, Path::new(&old_names).join("Crypto"));
    let child = Command::new("vicc")
        .args(["--type", "iso7816", "--hostname", "127.0.0.1", "--port", &port.to_string()])
        .env("PYTHONPATH", format!("{old_names}:{MODULES}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Killed(child.expect("vicc starts"))
}
