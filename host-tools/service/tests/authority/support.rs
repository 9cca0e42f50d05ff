//! A small world, served on loopback, and a client that writes its requests itself.

use pki::{
    birthday,
    ca::{Authority, Issued},
    person::Person,
    profile::{Hierarchy, MUNICIPALITY_CODE},
    revocation::certificate::Certificate,
};
use service::{
    authority::{Authorities, Category, Memory, Options, Token, Verifier},
    server::{self, Limits},
};
use sim::rng::SimRng;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::Command,
    sync::{Arc, LazyLock},
    thread::JoinHandle,
    time::Duration,
};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::sync::oneshot;

pub(crate) const AUTHENTICATION: Hierarchy = Hierarchy::Authentication;
const KEY: &str = "authority";

/// openssl looks at the real clock, so this is the real time.
pub(crate) static NOW: LazyLock<OffsetDateTime> =
    LazyLock::new(|| OffsetDateTime::now_utc().replace_nanosecond(0).expect("a moment"));

/// Keys take their time, so all tests have the same authorities.
struct Made {
    keys: [(rsa::PrivateKey, Vec<u8>); 2],
    leaves: [Issued; 2],
}

static MADE: LazyLock<Made> = LazyLock::new(|| {
    let mut rng = SimRng::seeded(71);
    let begin = *NOW - time::Duration::hours(1);
    let authentication = Authority::create(AUTHENTICATION, begin, &mut rng).expect("root");
    let signature = Authority::create(Hierarchy::Signature, begin, &mut rng).expect("root");
    let key = pki::keys::generate(&mut rng).expect("key");
    let person = Person::sample("sample-1").expect("sample");
    let end = birthday::by_birthday(person.birth, birthday::jst_date(begin), None);
    let leaves = [(0x10_0002, "A"), (0x10_0003, "B")].map(|(serial, name)| {
        authentication.issue_authentication(serial, name, key.as_public_key(), begin, end).expect("issues")
    });
    let kept = |authority: &Authority| (authority.key().clone(), authority.root().to_vec());
    Made { keys: [kept(&signature), kept(&authentication)], leaves }
});

/// Served until it goes.
pub(crate) struct World {
    pub(crate) authorities: Arc<Authorities<Memory>>,
    pub(crate) address: SocketAddr,
    pub(crate) token: Token,
    pub(crate) leaves: &'static [Issued; 2],
    pub(crate) root: &'static [u8],
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Options::default(), Limits::default())
    }

    pub(crate) fn with(options: Options, limits: Limits) -> Self {
        let registry = Memory::default();
        for leaf in &MADE.leaves {
            registry.good(AUTHENTICATION, leaf.serial, MUNICIPALITY_CODE);
        }
        let token = Token::generate(&mut SimRng::from_os().expect("randomness"));
        let verifier = Verifier { name: "test court".into(), category: Category::Court };
        registry.register(verifier, token.hash());
        let open = |(hierarchy, (key, root)): (Hierarchy, &(rsa::PrivateKey, Vec<u8>))| {
            Authority::open(hierarchy, key.clone(), root.clone()).expect(KEY)
        };
        let both = [Hierarchy::Signature, AUTHENTICATION].into_iter().zip(&MADE.keys).map(open);
        let authorities = Arc::new(Authorities::new(both, registry, options));
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let router = Arc::clone(&authorities).router();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.expect("a runtime").block_on(async move {
                let listener =
                    server::listen("127.0.0.1:0".parse().expect("an address"), false).await.expect("listens");
                tell.send(listener.local_addr().expect("an address")).expect("heard");
                server::serve(listener, router, limits, async { drop(stopped.await) }).await;
            });
        });
        let address = told.recv().expect("an address");
        let (leaves, root) = (&MADE.leaves, &*MADE.keys[1].1);
        World { authorities, address, token, leaves, root, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn registry(&self) -> &Memory {
        self.authorities.registry()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("connects");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        stream
    }

    /// Sends a request and reads the answer.
    pub(crate) fn ask(&self, line: &str, headers: &[&str], body: &[u8]) -> Answer {
        let mut stream = self.connect();
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let length = body.len();
        let head =
            format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).expect("writes");
        // A server that has read enough closes.
        let _ = stream.write_all(body);
        Answer::read(&mut stream)
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Authorization: Bearer {}", self.token.reveal())
    }

    /// As the verifier.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), &[&self.bearer()], &[])
    }

    pub(crate) fn issuer(&self) -> Certificate {
        Certificate::parse(self.root).expect("a certificate")
    }

    pub(crate) fn leaf(&self, index: usize) -> Certificate {
        Certificate::parse(&self.leaves[index].der).expect("a certificate")
    }

    /// Ends the server and waits for it.
    pub(crate) fn end(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            let _ = stop.send(());
            thread.join().expect("ends");
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Until the connection ends.
    pub(crate) fn read(stream: &mut TcpStream) -> Answer {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("reads");
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(bytes[..end].to_vec()).expect("text");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Answer { status, head, body: bytes[end + 4..].to_vec() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.into_iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A folder with files for openssl; `None`, said aloud, where there is none.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new(test: &str, world: &World) -> Option<Folder> {
        if Command::new("openssl").arg("version").output().is_err() {
            vectors::skipped(&format!("{test}: install openssl"));
            return None;
        }
        let folder = Folder(tempfile::tempdir().expect("folder"));
        folder.write("root.pem", pki::ca::pem(world.root).as_bytes());
        for (index, leaf) in world.leaves.iter().enumerate() {
            folder.write(&format!("leaf{index}.pem"), pki::ca::pem(&leaf.der).as_bytes());
        }
        Some(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).expect("writes");
    }

    /// Both streams.
    pub(crate) fn openssl(&self, arguments: &[&str]) -> String {
        let run = Command::new("openssl").args(arguments).current_dir(self.0.path()).output().expect("runs");
        String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned()
    }
}
