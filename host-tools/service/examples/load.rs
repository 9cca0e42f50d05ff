//! How many OCSP answers a second. Run the server on one processor and the client on another:
//!
//! ```text
//! cargo build --release -p service --example load
//! taskset -c 0 target/release/examples/load serve &
//! taskset -c 1 target/release/examples/load ask <what serve printed> [nonce] [p256] [connections N] [seconds N]
//! ```

use base64ct::{Base64, Encoding};
use pki::{
    birthday,
    ca::Authority,
    profile::{Hierarchy, MUNICIPALITY_CODE},
    revocation::{
        Status,
        certificate::Certificate,
        ocsp::{KeyKind, Query},
    },
};
use service::{
    authority::{Authorities, Category, Memory, Options, Token, Verifier},
    server::{self, Limits},
};
use sim::rng::SimRng;
use std::{
    error::Error,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};
use time::{Date, OffsetDateTime};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Certificates that are asked about in turn.
const CERTIFICATES: u32 = 50;
/// Every so many answers, one is verified.
const VERIFIED: usize = 64;
const USAGE: &str =
    "usage: load serve | load ask ADDRESS TOKEN CERTIFICATES [nonce] [p256] [connections N] [seconds N]";

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve"] => serve(),
        ["ask", address, token, certificates, options @ ..] => {
            Load::new(address, token, certificates, options)?.measure()
        }
        _ => Err(USAGE.into()),
    }
}

/// Serves a fresh world on one thread, and prints what a client must know.
fn serve() -> Outcome<()> {
    let mut rng = SimRng::from_os()?;
    let begin = OffsetDateTime::now_utc() - time::Duration::hours(1);
    let authority = Authority::create(Hierarchy::Authentication, begin, &mut rng)?;
    let key = pki::keys::generate(&mut rng)?;
    let end = birthday::by_birthday(Date::from_ordinal_date(1980, 48)?, birthday::jst_date(begin), None);
    let (registry, mut certificates) = (Memory::default(), vec![Base64::encode_string(authority.root())]);
    for (number, serial) in (0..CERTIFICATES).zip(0x10_0002..) {
        let issued =
            authority.issue_authentication(serial, &format!("{number:023}"), key.as_public_key(), begin, end)?;
        registry.good(Hierarchy::Authentication, issued.serial, MUNICIPALITY_CODE);
        certificates.push(Base64::encode_string(&issued.der));
    }
    let token = Token::generate(&mut rng);
    registry.register(Verifier { name: "load".into(), category: Category::Administration }, token.hash());
    let router = Arc::new(Authorities::new([authority], registry, Options::default())).router();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = server::listen(SocketAddr::from(([127, 0, 0, 1], 0)), false).await?;
        println!("{} {} {}", listener.local_addr()?, token.reveal(), certificates.join(","));
        server::serve(listener, router, Limits::default(), std::future::pending()).await;
        Ok(())
    })
}

/// What is sent.
struct Load {
    address: SocketAddr,
    queries: Vec<(Query, Vec<u8>)>,
    connections: usize,
    time: Duration,
}

impl Load {
    fn new(address: &str, token: &str, certificates: &str, options: &[&str]) -> Outcome<Self> {
        let certificates: Vec<Certificate> = certificates
            .split(',')
            .map(|one| Ok(Certificate::parse(&Base64::decode_vec(one).map_err(|error| error.to_string())?)?))
            .collect::<Outcome<_>>()?;
        let (root, leaves) = certificates.split_first().ok_or(USAGE)?;
        let (mut connections, mut seconds, mut nonce, mut kinds) = (8, 10, false, Vec::new());
        let mut options = options.iter();
        while let Some(option) = options.next() {
            match *option {
                "nonce" => nonce = true,
                "p256" => kinds = vec![KeyKind::P256],
                "connections" => connections = options.next().ok_or(USAGE)?.parse()?,
                "seconds" => seconds = options.next().ok_or(USAGE)?.parse()?,
                _ => return Err(USAGE.into()),
            }
        }
        let mut rng = SimRng::from_os()?;
        let mut queries = Vec::new();
        for leaf in leaves {
            let mut query = Query::about(root, std::slice::from_ref(leaf))?.preferring(&kinds);
            if nonce {
                query = query.with_nonce(&mut rng);
            }
            let body = query.to_der()?;
            let head = format!(
                "POST /ocsp/authentication HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
                 Content-Type: application/ocsp-request\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            queries.push((query, [head.into_bytes(), body].concat()));
        }
        Ok(Load { address: address.parse()?, queries, connections, time: Duration::from_secs(seconds) })
    }

    fn measure(&self) -> Outcome<()> {
        self.connection(Duration::ZERO)?;
        let begin = Instant::now();
        let times: Vec<Duration> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.connections).map(|_| scope.spawn(|| self.connection(self.time))).collect();
            let joined = threads.into_iter().map(|thread| thread.join().map_err(|_| "a client stopped")?);
            joined.collect::<Outcome<Vec<_>>>().map(|times| times.concat())
        })?;
        let (elapsed, mut times) = (begin.elapsed(), times);
        times.sort_unstable();
        let percentile = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
        println!(
            "{:.0} answers/s over {} connections; median {:?}, 99 % {:?}",
            times.len() as f64 / elapsed.as_secs_f64(),
            self.connections,
            percentile(50),
            percentile(99)
        );
        Ok(())
    }

    /// One connection, kept alive: at least one round of all queries, then as long as there is time.
    fn connection(&self, time: Duration) -> Outcome<Vec<Duration>> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let (begin, mut times) = (Instant::now(), Vec::new());
        for (index, (query, request)) in self.queries.iter().cycle().enumerate() {
            if index >= self.queries.len() && begin.elapsed() >= time {
                break;
            }
            let sent = Instant::now();
            stream.write_all(request)?;
            let answer = body(&mut reader)?;
            times.push(sent.elapsed());
            if index % VERIFIED == 0 && query.read(&answer, OffsetDateTime::now_utc())? != [Status::Good] {
                return Err("a wrong answer".into());
            }
        }
        Ok(times)
    }
}

/// Reads one answer of status 200.
fn body(reader: &mut BufReader<TcpStream>) -> Outcome<Vec<u8>> {
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line)?;
    if !line.starts_with("HTTP/1.1 200") {
        return Err(line.into());
    }
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(body)
}
