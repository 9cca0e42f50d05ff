//! OpenSSH: the card logs its holder in, and nobody else. (pcsc.md §5, check 7)

use super::{Clients, Door, MODULE, Served, Tools};
use crate::support::{AUTH_PIN, Killed, Said, run, until};
use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

/// It starts itself anew for each connection, and wants to know where it is.
const SSHD: &str = "/usr/sbin/sshd";
const SSH: Tools = (
    &[SSHD, "ssh", "ssh-keygen", "pkcs15-tool", "openssl"],
    "openssh-server openssh-client opensc opensc-pkcs11 openssl",
);

#[test]
fn ssh_over_the_pcsc_socket() {
    logs_in(Door::Socket);
}

#[test]
fn ssh_over_pcscd_and_vpcd() {
    logs_in(Door::Pcscd);
}

fn logs_in(door: Door) {
    let Some(served) = Served::new(door, &[], SSH) else { return };
    let clients = served.clients();
    let sshd = Sshd::start(clients);

    // The module also shows the keys of both authorities: only the holder's may go on the list.
    let all = clients.run("ssh-keygen", &["-D", MODULE]).succeeded().out;
    let own = all.lines().find(|line| line.ends_with("User Authentication Public Key")).expect("the card's key");
    let issued = openssh_key(clients, &served.issued("authentication.pem"));
    assert!(own.starts_with(issued.trim()), "{own} is not {issued}");
    sshd.lets_in(own);
    let said = sshd.login(clients, AUTH_PIN).succeeded();
    assert_eq!(said.out, "in as 42\n", "{said:?}");
    assert_eq!(sshd.log().matches("Accepted publickey for").count(), 1, "{}", sshd.log());

    // Another card on the list, and this one is not asked for its PIN.
    let other = served.world.issue(&["--person", "sample-2"]);
    let other = served.world.file(&format!("cards/{other}/authentication.pem")).display().to_string();
    sshd.lets_in(&openssh_key(clients, &other));
    let said = sshd.login(clients, AUTH_PIN);
    assert!(said.code == Some(255) && said.err.contains("Permission denied (publickey)"), "{said:?}");
    // This card on the list, and a PIN of somebody else's.
    sshd.lets_in(own);
    let said = sshd.login(clients, "0000");
    assert!(said.code == Some(255) && said.err.contains("Permission denied (publickey)"), "{said:?}");
    let dump = clients.run("pkcs15-tool", &["--dump"]).succeeded().all();
    assert!(dump.contains("Tries left     : 2"), "it is tried once: {dump}");
    assert_eq!(sshd.log().matches("Accepted publickey for").count(), 1, "{}", sshd.log());
}

/// A certificate's key as OpenSSH writes it.
fn openssh_key(clients: &Clients, certificate: &str) -> String {
    let key = clients.public_key(certificate, "ssh.pub");
    run(Command::new("ssh-keygen").args(["-i", "-m", "PKCS8", "-f", &key])).succeeded().out
}

/// A server of our own on loopback: its key, its list of keys that may enter, its log.
struct Sshd {
    port: u16,
    list: String,
    known: String,
    log: String,
    _server: Killed,
}

impl Sshd {
    fn start(clients: &Clients) -> Sshd {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a port").port();
        let (key, list) = (clients.file("host"), clients.file("authorized"));
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", &key])).succeeded();
        let public = fs::read_to_string(format!("{key}.pub")).expect("reads");
        let known = clients.write("known", &format!("[127.0.0.1]:{port} {public}"));
        let configuration = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {key}\nAuthorizedKeysFile {list}\nPidFile none\n\
             AuthenticationMethods publickey\nStrictModes no\nUsePAM no\n"
        );
        let configuration = clients.write("sshd_config", &configuration);
        // Where root's server locks its unprivileged half in.
        let _ = fs::create_dir("/run/sshd");
        let log = clients.file("sshd.log");
        let _ = fs::remove_file(&log);
        let mut server = Command::new(SSHD);
        server.args(["-D", "-f", &configuration, "-E", &log]).stdin(Stdio::null());
        let server = Killed(server.spawn().expect("sshd starts"));
        until("sshd listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Sshd { port, list, known, log, _server: server }
    }

    fn lets_in(&self, key: &str) {
        fs::write(&self.list, format!("{}\n", key.trim())).expect("writes");
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("reads")
    }

    /// A command on the server's side, with the card as the only key.
    fn login(&self, clients: &Clients, pin: &str) -> Said {
        let asks = clients.write("askpass", &format!("#!/bin/sh\necho {pin}\n"));
        fs::set_permissions(&asks, fs::Permissions::from_mode(0o700)).expect("a program");
        let mut ssh = clients.command("timeout");
        ssh.env("SSH_ASKPASS", asks).env("SSH_ASKPASS_REQUIRE", "force").env_remove("SSH_AUTH_SOCK");
        ssh.args(["60", "ssh", "-F", "none", "-I", MODULE, "-p", &self.port.to_string()]);
        for option in [&format!("UserKnownHostsFile={}", self.known), "StrictHostKeyChecking=yes", "IdentityFile=none"]
        {
            ssh.args(["-o", option]);
        }
        run(ssh.args(["127.0.0.1", "echo in as $((6 * 7))"]))
    }
}
