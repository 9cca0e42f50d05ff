use super::*;
use crate::era::{self, EraYear};
use proptest::prelude::*;
use std::collections::HashSet;
use time::macros::date;

const TODAY: Date = date!(2026 - 11 - 24);

fn wanted(form: Form) -> Wanted {
    Wanted { seed: 1, ages: 0..=105, today: TODAY, form }
}

fn many(form: Form, count: usize) -> Vec<Resident> {
    Residents::new(wanted(form)).take(count).collect()
}

#[test]
fn samples_show_both_forms() {
    assert_eq!(Form::of(&Person::sample("sample-1").expect("sample")), Form::Short);
    assert_eq!(Form::of(&Person::sample("sample-2").expect("sample")), Form::Long);
    // The fixture of card.md §9.3: total 104, address at 0020 from 000E, birth at 0059.
    let fixture = Person {
        name: "X".repeat(0x20 - 0x0E - 3),
        address: "X".repeat(0x59 - 0x20 - 3),
        ..Person::sample("sample-1").expect("sample")
    };
    let longer = |by: usize| Person { address: fixture.address.clone() + &"X".repeat(by), ..fixture.clone() };
    assert_eq!(Form::of(&longer(127 - 104 + 3)), Form::Short, "104 counts the three bytes in front");
    assert_eq!(Form::of(&longer(128 - 104 + 3)), Form::Long);
}

#[test]
fn there_are_all_kinds_of_people() {
    let people = many(Form::Any, 2000);
    let has = |what: &str, test: &dyn Fn(&Person) -> bool| {
        let count = people.iter().filter(|resident| test(&resident.person)).count();
        assert!(count > 5, "{what}: {count}");
    };
    for sex in [Sex::Male, Sex::Female, Sex::Unknown, Sex::NotApplicable] {
        has(&format!("{sex:?}"), &|person| person.sex == sex);
    }
    for era in '2'..='5' {
        has(&format!("era {era}"), &|person| EraYear::of(person.birth).era == era);
    }
    has("29 February", &|person| (person.birth.month(), person.birth.day()) == (Month::February, 29));
    has("under 15", &|person| birthday::age(person.birth, TODAY) < 15);
    has("beyond the basic plane", &|person| person.name.chars().any(|c| u32::from(c) > 0xFFFF));
    has("outside JIS X 0208", &|person| person.name.contains(['髙', '﨑', '德']));
    has("Latin", &|person| person.name.contains("MIHON"));
    has("long names", &|person| person.name.chars().count() > 40);
    has("longest addresses", &|person| person.address.chars().count() == ADDRESS_MAX);
    has("shortest addresses", &|person| person.address.chars().count() < 18);
    has("short", &|person| Form::of(person) == Form::Short);
    has("long", &|person| Form::of(person) == Form::Long);
    let numbers: HashSet<_> =
        people.iter().map(|resident| resident.person.my_number.clone()).map(|n| n.map(String::from)).collect();
    assert_eq!(numbers.len(), people.len(), "no My Number twice");
}

#[test]
fn forms_are_kept() {
    for form in [Form::Short, Form::Long] {
        assert!(many(form, 2000).iter().all(|resident| Form::of(&resident.person) == form), "{form:?}");
    }
}

#[test]
fn a_seed_makes_the_same_people_and_more_of_them() {
    assert_eq!(many(Form::Any, 40)[..10], many(Form::Any, 10));
    let other = Residents::new(Wanted { seed: 2, ..wanted(Form::Any) }).next();
    assert_ne!(other, many(Form::Any, 1).pop());
}

#[test]
fn days_and_ages_without_people_do_no_harm() {
    for today in [Date::MIN, Date::MAX, era::FIRST_DAY] {
        for ages in [0..=0, 0..=AGE_MAX, AGE_MAX..=u8::MAX, RangeInclusive::new(9, 3)] {
            assert_eq!(Residents::new(Wanted { ages, today, ..wanted(Form::Any) }).take(20).count(), 20);
        }
    }
}

#[test]
fn json_is_flat_strict_and_limited() {
    let resident = many(Form::Any, 1).remove(0);
    let json = serde_json::to_string(&resident).expect("json");
    assert_eq!(Resident::from_json(json.as_bytes(), TODAY).expect("reads"), resident);
    assert_eq!(Resident::from_json(format!(" [{json}]").as_bytes(), TODAY).expect("reads"), resident);
    let says = |text: &str, word: &str| {
        let error = Resident::from_json(text.as_bytes(), TODAY).expect_err(text).to_string();
        assert!(error.contains(word), "{text}: {error}");
    };
    says(&format!("[{json},{json}]"), "2 residents");
    says("[]", "0 residents");
    says("", "EOF");
    says("{}", "missing field");
    says("null", "person --json");
    says(&json.replace("\"name\"", "\"pin\""), "unknown field");
    says(&json.replace("\"security_code\":\"", "\"security_code\":\"9"), "four digits");
    says(&json.replace("\"my_number\":\"", "\"my_number\":\"9"), "twelve digits");
    says(&json.replace('\u{3000}', ""), "ideographic space");
    says(&" ".repeat(FILE_MAX + 1), "65536 bytes");
}

proptest! {
    #[test]
    fn whoever_is_invented_can_get_a_card(
        seed: u64, a in 0..=AGE_MAX, b in 0..=AGE_MAX, day in 2_457_389..2_470_000, form in 0..3,
    ) {
        let form = [Form::Any, Form::Short, Form::Long][form as usize];
        let (ages, today) = (a.min(b)..=a.max(b), Date::from_julian_day(day).expect("a date"));
        for resident in Residents::new(Wanted { seed, ages: ages.clone(), today, form }).take(8) {
            let person = &resident.person;
            prop_assert_eq!(person.validate(today), Ok(()));
            let age = birthday::age(person.birth, today);
            prop_assert!(ages.contains(&u8::try_from(age).expect("an age")), "{} {}", person.birth, age);
            prop_assert!(person.my_number.as_ref().is_some_and(MyNumber::is_test));
            prop_assert!(form == Form::Any || Form::of(person) == form);
            prop_assert!(person.name.trim() == person.name && person.address.trim() == person.address, "{:?}", person);
        }
    }

    #[test]
    fn no_file_is_too_much(text in "\\PC{0,200}") {
        let _ = Resident::from_json(text.as_bytes(), TODAY);
    }
}
