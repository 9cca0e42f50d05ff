//! TLS 1.2 client authentication with the card's key, foreign code on both ends: GnuTLS with OpenSC's PKCS#11 module at the
//! reader's socket, and nginx or `openssl s_server` with a CRL of the authority. (service.md §7; pcsc.md §5, check 5)
//!
//! TLS 1.3 wants RSASSA-PSS, which OpenSC's driver does not ask of the card.

use super::{AUTHENTICATION, Clients, MODULE, Tools, have};
use crate::support::{Killed, Said, Serve, World, jitsuin, run, until};
use service::http;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
};

const PROGRAMS: Tools =
    (&["gnutls-cli", "nginx", "openssl", "opensc-tool"], "gnutls-bin nginx-light openssl opensc opensc-pkcs11");
const ONLY_TLS_1_2: &str = "NORMAL:-VERS-ALL:+VERS-TLS1.2";

/// A card in a reader, its authority, and files for a web server.
struct Town {
    world: World,
    card: String,
    clients: Clients,
    crl: String,
    _reader: Serve,
    _authority: Serve,
}

impl Town {
    fn new() -> Town {
        let world = World::new();
        let card = world.issue(&["--profile", "jpki-only"]);
        let socket = world.file("pcsc");
        let reader = world.serve(&card, &["--pcsc", &socket.display().to_string()]);
        let serve = ["authority", "serve", world.name(), "--http", "127.0.0.1:0", "--open"];
        let authority = Serve::start_for(&serve, "/fingerprints");
        let crl = authority.said.lines().map(str::trim).find(|line| line.ends_with("/crl/authentication.crl"));
        let crl = crl.expect("an address").to_owned();
        let clients = Clients::new(&socket);
        let (key, own) = (clients.file("server.key"), clients.file("server.pem"));
        let names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
        let made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", &key, "-out", &own];
        run(Command::new("openssl").args(made).args(names)).succeeded();
        Town { world, card, clients, crl, _reader: reader, _authority: authority }
    }

    fn file(&self, name: &str) -> String {
        self.clients.file(name)
    }

    fn root(&self) -> String {
        self.world.file("authentication-ca/root.pem").display().to_string()
    }

    fn group(&self, group: &str, command: &str, options: &[&str]) {
        jitsuin([&[group, command, self.world.name(), &self.card], options].concat()).succeeded();
    }

    /// What the authority lists now, for a server that is about to start.
    fn fetch_crl(&self) {
        fs::write(self.file("crl.der"), http::get(&self.crl, None, 1 << 20).expect("a CRL")).expect("writes");
        let (from, to) = (self.file("crl.der"), self.file("crl.pem"));
        run(Command::new("openssl").args(["crl", "-inform", "DER", "-in", &from, "-out", &to])).succeeded();
    }

    /// nginx, and its port.
    fn nginx(&self) -> (Killed, u16) {
        self.fetch_crl();
        let port = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a port").port();
        let (file, root) = (|name: &str| self.file(name), self.root());
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {};\n", file(kind)))
            .concat();
        let configuration = format!(
            "daemon off; master_process off; pid {}; error_log {} info; events {{}}\n\
             http {{ access_log off;\n{temporary}server {{ listen 127.0.0.1:{port} ssl; ssl_protocols TLSv1.2;\n\
             ssl_certificate {}; ssl_certificate_key {};\n\
             ssl_client_certificate {root}; ssl_crl {}; ssl_verify_client on; ssl_verify_depth 1;\n\
             location / {{ return 200 \"$ssl_client_verify $ssl_client_serial $ssl_protocol\\n\"; }} }} }}\n",
            file("nginx.pid"),
            file("nginx.log"),
            file("server.pem"),
            file("server.key"),
            file("crl.pem"),
        );
        fs::write(file("nginx.conf"), configuration).expect("writes");
        let _ = fs::remove_file(file("nginx.log"));
        let mut nginx = Command::new("nginx");
        nginx.args(["-e", &file("nginx.log"), "-c", &file("nginx.conf"), "-p", &file("")]);
        let served = Killed(nginx.stdin(Stdio::null()).spawn().expect("nginx starts"));
        until("nginx listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        (served, port)
    }

    /// `openssl s_server` for one connection, and its port.
    fn s_server(&self) -> (Killed, u16) {
        self.fetch_crl();
        let mut server = Command::new("openssl");
        server.args(["s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-tls1_2", "-www", "-Verify", "1"]);
        server.args(["-verify_return_error", "-CAfile", &self.root(), "-crl_check", "-CRL", &self.file("crl.pem")]);
        server.args(["-cert", &self.file("server.pem"), "-key", &self.file("server.key")]);
        let mut child =
            server.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts");
        let said = BufReader::new(child.stdout.take().expect("piped"));
        let served = Killed(child);
        let port = said.lines().map_while(Result::ok).find_map(|line| {
            let address = line.strip_prefix("ACCEPT ")?;
            address.rsplit(':').next()?.trim().parse().ok()
        });
        (served, port.expect("openssl says where it listens"))
    }

    /// GnuTLS asks for a page, with the card or with nothing.
    fn ask(&self, port: u16, with_card: bool) -> Said {
        let mut client = self.clients.command("timeout");
        client.args(["60", "gnutls-cli", "--provider", MODULE, "--priority", ONLY_TLS_1_2]);
        client.args(["--x509cafile", &self.file("server.pem"), "-p", &port.to_string()]);
        if with_card {
            client.args(["--x509certfile", &format!("{AUTHENTICATION};type=cert")]);
            client.args(["--x509keyfile", &format!("{AUTHENTICATION};type=private;pin-value=1234")]);
        }
        client.arg("localhost").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = client.spawn().expect("starts");
        // A server that refuses may be gone already.
        let _ = child.stdin.take().expect("piped").write_all(b"GET / HTTP/1.0\r\n\r\n");
        child.wait_with_output().expect("ends").into()
    }

    /// Both servers let the card in, and know it by its serial number.
    fn is_let_in(&self) {
        let (_nginx, port) = self.nginx();
        let said = self.ask(port, true).all();
        let leaf = self.world.file(&format!("cards/{}/authentication.pem", self.card)).display().to_string();
        let serial = run(Command::new("openssl").args(["x509", "-in", &leaf, "-noout", "-serial"])).succeeded().out;
        let serial = serial.trim().trim_start_matches("serial=").to_owned();
        assert!(said.contains(&format!("SUCCESS {serial} TLSv1.2")), "{said}");
        let (_server, port) = self.s_server();
        let said = self.ask(port, true).all();
        assert!(said.contains("Handshake was completed") && said.contains("HTTP/1.0 200 ok"), "{said}");
    }

    /// Both refuse it, because it is on the CRL and for nothing else.
    fn is_refused(&self) {
        let (_nginx, port) = self.nginx();
        let said = self.ask(port, true).all();
        assert!(said.contains("400 Bad Request") && !said.contains("SUCCESS"), "{said}");
        let log = fs::read_to_string(self.file("nginx.log")).expect("reads");
        assert!(log.contains("(23:certificate revoked)"), "{log}");
        let (_server, port) = self.s_server();
        let said = self.ask(port, true);
        assert!(said.code != Some(0) && said.all().contains("Certificate was revoked"), "{said:?}");
    }
}

#[test]
fn web_servers_know_the_card_until_it_is_stopped() {
    if !have(PROGRAMS) {
        return;
    }
    let town = Town::new();
    town.is_let_in();
    let (nginx, port) = town.nginx();
    let said = town.ask(port, false).all();
    assert!(said.contains("No required SSL certificate was sent"), "{said}");
    drop(nginx);
    town.group("callcentre", "stop", &[]);
    town.is_refused();
    town.group("counter", "release", &[]);
    town.is_let_in();
    town.group("counter", "revoke", &["authentication"]);
    town.is_refused();
}
