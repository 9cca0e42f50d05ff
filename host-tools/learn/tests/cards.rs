//! The learner against cards.

use card_os::{identity::Behaviour, profile::Model};
use learn::{
    Output,
    alphabet::{Act, Alphabet, PINS},
    diff::diff,
    learner::{LearnError, Options, learn},
    machine::{Machine, Rules},
    oracle::{Copies, InReader, Oracle, destructive},
    specification::Specification,
};
use sim::{
    card::{Direct, Simulated},
    nvm::Flash,
    reader::ReaderError,
    rng::SimRng,
    sample,
};
use std::time::{Duration, Instant};
use trial::{card::issued, mirror::Mirror};

type Mirrored = Copies<Flash, Mirror, SimRng>;

fn alphabet() -> Alphabet {
    Alphabet::parse(PINS).expect("an alphabet")
}

/// Copies of the issued sample card.
fn good() -> Mirrored {
    Copies::mirrored(issued()).expect("an issued card")
}

/// Copies of a card that differs from measured ones.
fn habit(behaviour: Behaviour) -> Mirrored {
    let card: Simulated = sample::issued_with(behaviour);
    Copies::mirrored(card.into_nvm().into_inner()).expect("an issued card")
}

fn quick(oracle: &mut dyn Oracle) -> Machine {
    let options = Options { extra: 0, random: 2000, seed: 28 };
    learn(&alphabet(), oracle, &options, &mut |_| true).expect("learns").0
}

fn specified() -> Machine {
    Specification.machine(&alphabet()).expect("the model knows the alphabet")
}

/// How the card differs from the specification: the word, and both answers to its end.
fn told_apart(oracle: &mut dyn Oracle) -> (String, [String; 2]) {
    let trace = diff(&specified(), &quick(oracle)).expect("one alphabet").expect("a difference");
    let names: Vec<_> = trace.0.iter().map(|step| step.symbol.as_str()).collect();
    (names.join(" "), trace.0.last().expect("a step").answers.map(|answer| answer.to_string()))
}

fn answers(good: &str, bad: &str) -> [String; 2] {
    [good.into(), bad.into()]
}

#[test]
fn the_specification_has_as_many_states_as_can_be_told_apart() {
    // Within JPKI each PIN is verified, or has some tries left: 5 and 7 states. The current EF is none, a PIN object or a key:
    // 5. Which key is shown by `sign-here` alone, and not where both PINs are verified (1), neither is but both have tries
    // (3 x 5), or both are blocked (1); which PIN object is not shown where both are blocked (1). At the domain no PIN is
    // verified and no EF is current: 4 x 6.
    assert_eq!(specified().states().len(), 5 * 7 * 5 - (1 + 3 * 5 + 1) - 1 + 4 * 6);
}

#[test]
fn the_card_is_the_specification() {
    let mut oracle = good();
    let began = Instant::now();
    let options = Options { extra: 1, random: 2000, seed: 28 };
    let (machine, counts) = learn(&alphabet(), &mut oracle, &options, &mut |_| true).expect("learns");
    let took = began.elapsed();
    println!("{counts}, {took:?}");
    assert_eq!(diff(&machine, &specified()), Ok(None));
    assert_eq!(machine, specified(), "minimal, and numbered alike");
    assert!(machine.states().len() >= 100 && took < Duration::from_secs(60), "{took:?}");
}

#[test]
fn habits_of_the_field_are_told_with_the_shortest_word() {
    let clears_on_select = Behaviour { clears_on_select: true, ..Behaviour::default() };
    let clears_on_reset = Behaviour { clears_on_warm_reset: true, ..Behaviour::default() };
    let blocked_as_iso = Behaviour { blocked_as_iso: true, ..Behaviour::default() };
    let once = Behaviour { password_per_signature: true, ..Behaviour::default() };
    let cases = [
        // Verified, one act that may clear it, and the first symbol that asks for the status.
        (clears_on_select, "select-jpki right-auth select-jpki change-auth", answers("9000", "6982")),
        (clears_on_reset, "select-jpki right-auth reset change-auth", answers("9000", "6982")),
        // Three tries, and the first symbol that a blocked PIN refuses.
        (blocked_as_iso, "select-jpki wrong-auth wrong-auth wrong-auth right-auth", answers("6984", "6983")),
        (once, "select-jpki right-sign sign-sign sign-sign", answers("256+9000", "6982")),
    ];
    for (behaviour, word, ends) in cases {
        assert_eq!(told_apart(&mut habit(behaviour)), (word.into(), ends));
    }
}

fn act(name: &str) -> Act {
    let symbols = alphabet();
    symbols.symbols().iter().find(|symbol| symbol.name == name).expect("a symbol").act.clone()
}

/// A card whose memory is not kept: every power cycle gives the tries back.
struct Forgets(Mirrored);

impl Oracle for Forgets {
    fn reset(&mut self) -> Result<(), ReaderError> {
        self.0.reset()
    }

    fn step(&mut self, act: &Act) -> Result<Output, ReaderError> {
        if *act == Act::Power {
            self.0.reset()?;
        }
        self.0.step(act)
    }
}

#[test]
fn tries_that_power_gives_back_are_told() {
    // Spend one, power, and look: the application has to be selected before each.
    let word = "select-jpki wrong-auth power select-jpki query-auth";
    assert_eq!(told_apart(&mut Forgets(good())), (word.into(), answers("63C2", "63C3")));
}

/// A card that does not count a wrong value once the right one was presented.
struct Trusts(Mirrored);

impl Oracle for Trusts {
    fn reset(&mut self) -> Result<(), ReaderError> {
        self.0.reset()
    }

    fn step(&mut self, done: &Act) -> Result<Output, ReaderError> {
        if *done == act("wrong-auth") && self.0.card().session().is_verified(0x18) {
            return Ok(Output::sw(0x63C2));
        }
        self.0.step(done)
    }
}

#[test]
fn wrong_values_that_are_free_after_the_right_one_are_told() {
    // The answer alone is the right one. The EF that should be current is another sign, but no shorter one.
    let word = "select-jpki right-auth wrong-auth query-auth";
    assert_eq!(told_apart(&mut Trusts(good())), (word.into(), answers("63C2", "63C3")));
}

/// A card that keeps the status while another application is current: "PIN still verified after select", jCardSim #67.
struct Keeps {
    card: Mirrored,
    /// What answers while the domain is current.
    domain: Mirrored,
    away: bool,
}

impl Oracle for Keeps {
    fn reset(&mut self) -> Result<(), ReaderError> {
        self.away = false;
        self.card.reset()?;
        self.domain.reset()
    }

    fn step(&mut self, done: &Act) -> Result<Output, ReaderError> {
        // At the start the domain is current in the card itself.
        if *done == act("select-isd") && !self.card.card().session().at_isd() {
            self.away = true;
        } else if *done == act("select-jpki") || *done == Act::Power {
            self.away = false;
        }
        if self.away { self.domain.step(done) } else { self.card.step(done) }
    }
}

#[test]
fn a_status_that_survives_another_application_is_told() {
    let word = "select-jpki right-auth select-isd select-jpki change-auth";
    let mut keeps = Keeps { card: good(), domain: good(), away: false };
    assert_eq!(told_apart(&mut keeps), (word.into(), answers("6982", "9000")));
}

#[test]
fn a_card_in_a_reader_is_learned_where_nothing_is_spent() {
    let text: String =
        PINS.lines().filter(|line| !line.ends_with("destructive")).map(|line| format!("{line}\n")).collect();
    let alphabet = Alphabet::parse(&text).expect("an alphabet");
    assert!(destructive(&alphabet).is_empty());
    let options = Options { extra: 1, random: 500, seed: 28 };
    let card = sample::issued_as(Model::JPKI_ONLY, true);
    let learned = learn(&alphabet, &mut InReader(Box::new(Direct(card))), &options, &mut |_| true).expect("learns").0;
    // The domain; JPKI with no EF, either PIN object, or a key: both are closed, so nothing tells which.
    assert_eq!(
        (learned.states().len(), diff(&learned, &Specification.machine(&alphabet).expect("known"))),
        (5, Ok(None))
    );
}

#[test]
fn a_card_in_a_reader_that_loses_tries_is_told_with_the_word() {
    let card = sample::issued_as(Model::JPKI_ONLY, true);
    let options = Options { extra: 0, random: 0, seed: 28 };
    let ended = learn(&alphabet(), &mut InReader(Box::new(Direct(card))), &options, &mut |_| true);
    let Err(LearnError::Unsteady { word, .. }) = ended else { panic!("{ended:?}") };
    assert!(word.starts_with("select-jpki, "), "{word}");
}

#[test]
fn the_model_says_what_it_does_not_know() {
    for (text, words) in
        [("attributes 808A220000", "\"attributes\": the model knows nothing"), ("a 00A4040C0101", "\"a\": the model")]
    {
        let alphabet = Alphabet::parse(text).expect("an alphabet");
        let said = Specification.machine(&alphabet).expect_err(words).to_string();
        assert!(said.contains(words), "{said}");
    }
}
