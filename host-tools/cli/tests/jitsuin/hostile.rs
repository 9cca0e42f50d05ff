//! Cards that mean ill: `jitsuin serve --hostile`, and our own programs that talk to them over its socket.

use crate::support::{Said, Serve, World, binary, jitsuin};
use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Plans that `--help` names.
const PLANS: [&str; 12] =
    ["short", "long", "more", "wrong-le", "words", "lengths", "certificates", "atr", "bits", "slow", "mute", "pulled"];
const READER: &str = "Jitsuin Virtual Reader 00 00";
/// Longer than any program takes, a hostile card's delays included.
const DEADLINE: Duration = Duration::from_secs(60);
/// More than any program needs, in KiB.
const MEMORY: u64 = 2 << 20;

/// A hostile card behind a socket.
struct Served {
    serving: Option<Serve>,
    world: World,
}

impl Served {
    fn new(world: World, card: &str, options: &[&str]) -> Served {
        let socket = world.file("pcsc").display().to_string();
        let serving = world.serve(card, &[options, &["--pcsc", &socket]].concat());
        Served { serving: Some(serving), world }
    }

    fn socket(&self) -> String {
        self.world.file("pcsc").display().to_string()
    }

    /// Runs a program of ours with a deadline and little memory.
    fn run(&self, arguments: &[&str]) -> Said {
        let line = "ulimit -v \"$1\"; shift; exec \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", line, "sh", &MEMORY.to_string(), env!("CARGO_BIN_EXE_jitsuin")]).args(arguments);
        command.env("PCSCLITE_CSOCK_NAME", self.world.file("pcsc")).stdin(Stdio::null());
        within(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts"), arguments)
    }

    /// Ends the server; gives what it said of harms.
    fn end(mut self) -> (World, String) {
        let said = self.serving.take().expect("serves").interrupt();
        (self.world, said.err)
    }
}

fn within(mut child: Child, what: &[&str]) -> Said {
    let began = Instant::now();
    let mut pipes = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let out = thread::spawn(move || std::io::read_to_string(&mut pipes.0).unwrap_or_default());
    let err = thread::spawn(move || std::io::read_to_string(&mut pipes.1).unwrap_or_default());
    while child.try_wait().expect("waits").is_none() {
        if began.elapsed() > DEADLINE {
            let _ = child.kill();
            panic!("{what:?}: no end within {DEADLINE:?}");
        }
        thread::sleep(Duration::from_millis(5));
    }
    let code = child.wait().expect("ended").code();
    Said { code, out: out.join().expect("read"), err: err.join().expect("read") }
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// What holds of a program, whatever the card did.
fn judge(said: &Said, what: &[&str]) {
    assert!(matches!(said.code, Some(0..=2)), "{what:?}: {said:#?}");
    assert!(!said.all().contains("panicked"), "{what:?}: {}", said.all());
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\t') || c == '\u{202E}';
    assert!(!said.all().contains(odd), "{what:?}: what a card said moves the terminal: {:?}", said.all());
    let found = what.contains(&"check") || what.contains(&"conform");
    assert!(said.code == Some(0) || found || said.err.len() > 20, "{what:?}: no word of why: {said:?}");
}

/// Every program of ours that talks to a card in a reader.
fn programs(socket: &str, folder: &str) -> Vec<Vec<String>> {
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let mut all: Vec<Vec<String>> = [
        "client readers",
        "client show --sign-pin ABC123",
        "client show --json",
        "client status",
        "client status --json",
        "client fingerprint",
        "client change-pin --pin form --old 1234 --new 7294",
        "client change-pin --pin form --old 7294 --new 1234",
    ]
    .iter()
    .map(|line| [words(line), words(&format!("--pcsc {socket}"))].concat())
    .collect();
    all.push(words(&format!(
        "client export --certificate own-authentication --out {folder}/own.der --force --pcsc {socket}"
    )));
    all.push(words(&format!(
        "apply form --procedure car-tax --sign-pin ABC123 --out {folder}/form.json --force --pcsc {socket}"
    )));
    let named = |line: &str| [words(line), vec!["--reader".into(), READER.into(), "--real-card".into()]].concat();
    all.push(named("show"));
    all.push(named("show --auth-pin 1234 --sign-pin ABC123 --form-pin 1234"));
    all.push(named("check --auth-pin 1234 --sign-pin ABC123"));
    all.push(
        [
            vec!["apdu".to_owned(), "--reader".into(), READER.into(), "--real-card".into()],
            words("00A4040C0AD392F000260100000001 00B08A0000 00B0000000 00B0860020 00200098 00CA7F2100"),
        ]
        .concat(),
    );
    all
}

#[test]
fn our_programs_survive_every_plan_over_the_socket() {
    let mut world = World::new();
    let card = world.issue(&[]);
    let image = fs::read(world.image(&card)).expect("reads");
    let folder = tempfile::tempdir().expect("folder");
    for plan in PLANS.iter().map(|plan| (*plan).to_owned()).chain((0..6).map(|seed| format!("seed:{seed}"))) {
        let served = Served::new(world, &card, &["--hostile", &plan]);
        for program in programs(&served.socket(), &folder.path().display().to_string()) {
            let program: Vec<&str> = program.iter().map(String::as_str).collect();
            judge(&served.run(&program), &program);
        }
        let (back, told) = served.end();
        world = back;
        assert!(told.contains("hostile: ") && told.contains(": rule 1 (line "), "{plan}: no harm was done: {told}");
        assert_eq!(fs::read(world.image(&card)).expect("reads"), image, "{plan}: the card's own memory is as it was");
    }
    // And the card in the box is as good as before.
    world.run(&["check", &card]).succeeded();
}

#[test]
fn the_cases_end_whatever_the_card_does() {
    let mut world = World::new();
    let card = world.issue(&[]);
    for plan in ["short", "long", "more", "wrong-le", "lengths", "mute", "seed:7"] {
        let served = Served::new(world, &card, &["--hostile", plan]);
        let socket = served.socket();
        let program = ["conform", "--pcsc", &socket, "--quick", "--trait", "jpki,authentication,certificates,isd"];
        let said = served.run(&program);
        judge(&said, &program);
        assert_eq!(said.code, Some(1), "{plan}: {said:?}");
        world = served.end().0;
    }
}

#[test]
fn a_harm_is_told_where_its_client_can_be_followed() {
    let world = World::new();
    let card = world.issue(&[]);
    let plan = world.file("plan.toml");
    fs::write(&plan, "[[rule]]\nwhen = \"00 20 00 98\"\ndo = \"word\"\nsw = \"63C9\"\n").expect("writes");
    let trace = world.file("trace.jsonl");
    let options = ["--hostile", plan.to_str().expect("plain"), "--trace", trace.to_str().expect("plain")];
    let served = Served::new(world, &card, &options);
    let said = served.run(&["client", "status", "--pcsc", &served.socket()]);
    let (_world, told) = served.end();
    assert!(said.out.contains("9 of 3 tries left"), "what the card said: {said:?}");
    assert!(told.contains("00200098: rule 1 (line 1), word: 63C9 in place of 63C3"), "{told}");
    let shown = jitsuin(["trace", "show", trace.to_str().expect("plain")]).succeeded().out;
    assert!(shown.contains("! exchange ") && shown.contains("63C9 in place of 63C3"), "{shown}");
}

#[test]
fn a_name_on_a_card_writes_nothing_but_itself() {
    let world = World::new();
    let card = world.issue(&[]);
    let plan = world.file("plan.toml");
    // The token information begins with a label; after it come texts too. (card.md §6.1)
    let label = hex_of(format!("{:160}", "\u{1B}[2J\nok   1 ms  all checks passed").as_bytes());
    let rules = format!(
        "[[rule]]\nwhen = \"00 B0 *\"\ndo = \"certificate\"\nhow = \"name-escapes\"\n\
         [[rule]]\nwhen = \"00 B0 86 *\"\ndo = \"data\"\ndata = \"{label}\"\n"
    );
    fs::write(&plan, rules).expect("writes");
    let served = Served::new(world, &card, &["--hostile", plan.to_str().expect("plain")]);
    let folder = served.world.path.display().to_string();
    let (mut shown, mut labels) = (0, 0);
    for program in programs(&served.socket(), &folder) {
        let program: Vec<&str> = program.iter().map(String::as_str).collect();
        let said = served.run(&program);
        judge(&said, &program);
        assert!(
            !said.out.lines().any(|line| line.starts_with("ok   1 ms  all")),
            "{program:?}: a line of the card's own"
        );
        shown += usize::from(said.out.contains("alert(1)"));
        labels += usize::from(said.out.contains("all checks"));
    }
    // show twice, apdu, client show twice.
    assert!(shown >= 5 && labels >= 2, "{shown} programs showed the name, {labels} the label");
}

#[test]
fn a_card_that_a_plan_pulls_comes_back() {
    let world = World::new();
    let card = world.issue(&[]);
    let plan = world.file("plan.toml");
    fs::write(&plan, "[[rule]]\nwhen = \"00 20 *\"\nnth = 1\ndo = \"pull\"\n").expect("writes");
    let served = Served::new(world, &card, &["--hostile", plan.to_str().expect("plain")]);
    let socket = served.socket();
    served.run(&["client", "status", "--pcsc", &socket]).failed(1, &["no card"]);
    thread::sleep(Duration::from_millis(1500));
    // The count goes on: nothing is pulled a second time.
    let said = served.run(&["client", "status", "--pcsc", &socket]).succeeded();
    assert!(said.out.contains("3 of 3 tries left"), "{said:?}");
}

#[test]
fn what_is_no_plan_is_told() {
    let world = World::new();
    let card = world.issue(&[]);
    let path = world.file("plan.toml");
    fs::write(&path, "[[rule]]\ndo = \"short\"\n\n[[rule]]\ndo = \"bite\"\n").expect("writes");
    let plan = path.display().to_string();
    for (plan, words) in [
        (plan.as_str(), &["plan.toml:4: ", "no such act"][..]),
        ("nothing", &["nothing", "seed:NUMBER", "certificates"]),
        ("seed:x", &["a seed is a number"]),
    ] {
        world.run(&["serve", &card, "--hostile", plan]).failed(2, words);
    }
    let help = binary().args(["serve", "--help"]).output().map(Said::from).expect("runs").succeeded().out;
    assert!(PLANS.iter().all(|plan| help.contains(plan)), "{help}");
}
