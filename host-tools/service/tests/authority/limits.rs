use crate::support::{Answer, World};
use service::{
    authority::Options,
    server::{self, Limits, ListenError},
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// As patient as a test can be.
fn short() -> World {
    let [head, request] = [400, 600].map(Duration::from_millis);
    World::with(Options::default(), Limits { head, request, ..Limits::default() })
}

/// How long until the peer has closed, and what it said before.
fn closed(stream: &mut TcpStream) -> (Duration, Vec<u8>) {
    let (begin, mut said) = (Instant::now(), Vec::new());
    let _ = stream.read_to_end(&mut said);
    (begin.elapsed(), said)
}

const TERMS: &[u8] = b"GET /terms HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn a_body_has_64_kib() {
    let world = World::new();
    let post = |bytes: usize| world.ask("POST /ocsp/authentication", &[&world.bearer()], &vec![0; bytes]).status;
    assert_eq!([post(64 * 1024), post(64 * 1024 + 1)], [200, 413]);
}

#[test]
fn who_says_nothing_or_never_ends_a_head_is_left() {
    let world = short();
    for begun in [&b""[..], b"GET /te", b"GET /terms HTTP/1.1\r\nHost: x\r\nX: "] {
        let mut stream = world.connect();
        stream.write_all(begun).expect("writes");
        let (after, said) = closed(&mut stream);
        assert!(after < Duration::from_secs(5), "{begun:?} was waited for {after:?}");
        assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 408"), "{said:?}");
    }
    // A drop now and then does not help.
    let mut stream = world.connect();
    let begin = Instant::now();
    while stream.write_all(b"X").is_ok() {
        assert!(begin.elapsed() < Duration::from_secs(5), "slowly fed");
        std::thread::sleep(Duration::from_millis(50));
    }
    // After an answer the silence counts too.
    let mut stream = world.connect();
    stream.write_all(TERMS).expect("writes");
    let (after, said) = closed(&mut stream);
    assert!(said.starts_with(b"HTTP/1.1 200") && after < Duration::from_secs(5), "{after:?}");
}

#[test]
fn who_never_ends_a_body_is_told_so() {
    let world = short();
    let mut stream = world.connect();
    let head = "POST /ocsp/authentication HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000\r\n\r\nx";
    stream.write_all(head.as_bytes()).expect("writes");
    assert_eq!(Answer::read(&mut stream).status, 408);
}

#[test]
fn heads_are_short() {
    let world = World::new();
    let many: Vec<String> = (0..100).map(|index| format!("X-{index}: x")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(world.ask("GET /terms", &many, &[]).status, 431);
    let long = format!("X: {}", "x".repeat(40 * 1024));
    let mut stream = world.connect();
    let _ = stream.write_all(format!("GET /terms HTTP/1.1\r\nHost: x\r\n{long}\r\n\r\n").as_bytes());
    let (_, said) = closed(&mut stream);
    assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 431"), "{:?}", String::from_utf8_lossy(&said));
}

#[test]
fn connections_wait_for_a_place() {
    let world = World::with(Options::default(), Limits { connections: 2, ..Limits::default() });
    let mut held = [world.connect(), world.connect()];
    for stream in &mut held {
        stream.write_all(TERMS).expect("writes");
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).expect("answered");
        assert_eq!(&answer, b"HTTP/1.1 200");
    }
    let mut third = world.connect();
    third.set_read_timeout(Some(Duration::from_millis(300))).expect("a timeout");
    third.write_all(TERMS).expect("writes");
    let mut answer = [0; 12];
    assert!(third.read_exact(&mut answer).is_err(), "nobody listens yet");
    drop(held);
    third.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    third.read_exact(&mut answer).expect("answered");
}

#[test]
fn a_connection_has_an_end() {
    let limits =
        Limits { connection: Duration::from_millis(300), farewell: Duration::from_millis(300), ..Limits::default() };
    let world = World::with(Options::default(), limits);
    let (mut stream, begin) = (world.connect(), Instant::now());
    while stream.write_all(TERMS).is_ok() && stream.read(&mut [0; 8192]).is_ok_and(|bytes| bytes > 0) {
        assert!(begin.elapsed() < Duration::from_secs(5), "it went on");
    }
}

#[test]
fn answers_in_flight_go_out_when_the_server_ends() {
    let mut world = World::new();
    let mut stream = world.connect();
    let head =
        format!("POST /ocsp/authentication HTTP/1.1\r\nHost: x\r\n{}\r\nContent-Length: 5\r\n\r\n", world.bearer());
    stream.write_all(head.as_bytes()).expect("writes");
    std::thread::sleep(Duration::from_millis(200));
    let late = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        stream.write_all(b"hello").expect("writes");
        Answer::read(&mut stream)
    });
    let begin = Instant::now();
    world.end();
    assert_eq!(late.join().expect("answered").status, 200);
    assert!(begin.elapsed() < Duration::from_secs(5), "it did not wait for more");
    assert!(TcpStream::connect(world.address).is_err(), "nobody listens any more");
}

#[test]
fn only_this_machine_unless_asked() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let everywhere = "0.0.0.0:0".parse().expect("an address");
    assert!(matches!(runtime.block_on(server::listen(everywhere, false)), Err(ListenError::Reachable(_))));
    assert!(runtime.block_on(server::listen(everywhere, true)).is_ok());
}
