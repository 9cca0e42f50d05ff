//! `jitsuin person`, and residents that the command line names.

use crate::{args, failure::Failure, out::say};
use pki::{
    birthday,
    era::EraYear,
    person::{Person, Sex},
    resident::{FILE_MAX, Form, Resident, Residents, Wanted},
};
use rand_core::Rng;
use sim::rng::SimRng;
use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};
use time::{Date, OffsetDateTime};

/// `jitsuin person`
pub(crate) fn run(person: &args::Person) -> Result<(), Failure> {
    let today = match &person.on {
        Some(day) => date("--on", day)?,
        None => birthday::jst_date(OffsetDateTime::now_utc()),
    };
    let seed = match person.seed {
        Some(seed) => seed,
        None => u64::from(SimRng::from_os()?.next_u32()),
    };
    let form = match (person.short, person.long) {
        (true, _) => Form::Short,
        (_, true) => Form::Long,
        _ => Form::Any,
    };
    let wanted = Wanted { seed, ages: person.age.clone(), today, form };
    let residents: Vec<Resident> = Residents::new(wanted).take(person.count as usize).collect();
    // Years before the first era, or beyond the calendar, have no residents.
    if let Some(error) = residents.iter().find_map(|resident| resident.person.validate(today).err()) {
        return Err(Failure::Usage(format!("--age and --on give nobody who could live: {error}")));
    }
    if let Some(folder) = &person.faces {
        fs::create_dir_all(folder).map_err(|error| Failure::Refused(format!("{}: {error}", folder.display())))?;
        for (number, resident) in residents.iter().enumerate() {
            print_face(folder, number + 1, resident, today)?;
        }
    }
    if person.seed.is_none() {
        eprintln!("invented with --seed {seed}");
    }
    match &residents[..] {
        [resident] if person.json => crate::print_json(resident),
        _ if person.json => crate::print_json(&residents),
        _ => {
            residents.iter().for_each(|resident| describe(resident, today));
            Ok(())
        }
    }
}

fn describe(resident: &Resident, today: Date) {
    let Person { name, address, birth, sex, my_number } = &resident.person;
    let era = EraYear::of(*birth);
    let sex = match sex {
        Sex::Male => "男 (male)",
        Sex::Female => "女 (female)",
        Sex::Unknown => "不明 (unknown)",
        Sex::NotApplicable => "適用不能 (not applicable)",
    };
    say!("{name}");
    say!("  住所 (address)                    {address}");
    say!(
        "  生年月日 (birth)                  {birth} {}{}, aged {}",
        era.name(),
        era.year,
        birthday::age(*birth, today)
    );
    say!("  性別 (sex)                        {sex}");
    if let Some(number) = my_number {
        say!("  個人番号 (My Number)              {}", number.digits());
    }
    if let Some(code) = &resident.security_code {
        say!("  セキュリティコード (security code) {}", code.digits());
    }
}

/// Writes 0001-name.png and so on.
fn print_face(folder: &Path, number: usize, resident: &Resident, today: Date) -> Result<(), Failure> {
    let person = &resident.person;
    let face = portrait::face(&portrait::Holder {
        name: &person.name,
        address: &person.address,
        security_code: resident.security_code.as_ref().map_or("", |code| code.digits()),
        my_number: person.my_number.as_ref().map_or("", |number| number.digits()),
        age: u8::try_from(birthday::age(person.birth, today)).unwrap_or(0),
        // No card yet: what everybody may know of a person.
        seed: portrait::seed(&[&person.name, &person.address]),
    });
    for (name, picture) in [
        ("name.png", face.name),
        ("address.png", face.address),
        ("security-code.png", face.security_code),
        ("my-number.png", face.my_number),
        ("photo.jp2", face.photo),
    ] {
        let path = folder.join(format!("{number:04}-{name}"));
        fs::write(&path, picture).map_err(|error| Failure::Refused(format!("{}: {error}", path.display())))?;
    }
    Ok(())
}

/// The resident that somebody means: a sample, a file, or what comes on standard input.
pub(crate) fn named(name: &str, today: Date) -> Result<Resident, Failure> {
    if let Ok(person) = Person::sample(name) {
        return Ok(Resident { person, security_code: None });
    }
    let text = if name == "-" { read(io::stdin().lock()) } else { File::open(name).and_then(read) };
    let text = text.map_err(|error| {
        Failure::Usage(format!(
            "--person {name}: {error}; give sample-1, sample-2, a JSON file that `jitsuin person --json` wrote, or - for \
             standard input"
        ))
    })?;
    let resident =
        Resident::from_json(&text, today).map_err(|error| Failure::Usage(format!("--person {name}: {error}")))?;
    if resident.person.my_number.as_ref().is_some_and(|number| !number.is_test()) {
        eprintln!(
            "this My Number is not marked as a test; never use a real person's: the law protects it, this simulator does not"
        );
    }
    Ok(resident)
}

/// A little more than a resident may have, so that what is too long is seen to be.
fn read(source: impl Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    source.take(FILE_MAX as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

/// A day.
pub(crate) fn date(option: &str, text: &str) -> Result<Date, Failure> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    Date::parse(text, format).map_err(|_| Failure::Usage(format!("{option} {text}: not YYYY-MM-DD")))
}
