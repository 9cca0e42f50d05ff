use super::*;
use proptest::prelude::*;

fn holder<'a>(name: &'a str, address: &'a str) -> Holder<'a> {
    Holder { name, address, security_code: "2285", my_number: "000000000019", age: 46, seed: 1 }
}

fn measured(face: &Face) -> usize {
    face.name.len() + face.address.len() + face.photo.len() + face.security_code.len()
}

/// Width and height in a PNG's header.
fn size(png: &[u8]) -> (u32, u32) {
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
    (number(16), number(20))
}

#[test]
fn a_usual_face_is_as_large_as_the_one_that_was_seen() {
    let face = face(&holder("試験　花子", "模擬県試験市見本町一丁目２番３号"));
    assert_eq!(size(&face.name), (216, 12));
    assert_eq!(size(&face.address), (288, 12));
    assert_eq!(size(&face.security_code), (24, 12));
    assert_eq!(size(&face.my_number), (72, 12));
    assert!((1500..=PHOTO_MAX).contains(&face.photo.len()), "{}", face.photo.len());
}

#[test]
fn the_same_holder_has_the_same_face_and_others_have_others() {
    let one = face(&holder("試験　花子", "模擬県"));
    assert_eq!(one, face(&holder("試験　花子", "模擬県")));
    assert_ne!(one.photo, face(&Holder { seed: 2, ..holder("試験　花子", "模擬県") }).photo);
    assert_ne!(one.photo, face(&Holder { age: 47, ..holder("試験　花子", "模擬県") }).photo);
}

#[test]
fn no_my_number_is_in_the_photo() {
    let [one, other] = ["000000000019", "000000000027"]
        .map(|my_number| Holder { my_number, ..holder("試験　花子", "模擬県") });
    assert_eq!(face(&one).photo, face(&other).photo);
    assert_eq!(photo_png(&one), photo_png(&other));
    assert_ne!(face(&one).my_number, face(&other).my_number);
}

/// Photos of earlier cards follow from such a seed. The value is that of another implementation of FNV-1a.
#[test]
fn a_seed_of_texts_stays_the_same() {
    assert_eq!(seed(&["試験　花子", "000000000019"]), 0xF738_E785_0EC3_C402);
}

/// Kanji with the most ink and the least pattern, different ones.
fn dense(count: usize, from: usize) -> String {
    let ink = |c: char| {
        (0..12).flat_map(|y| (0..12).map(move |x| (x, y))).filter(|(x, y)| font::Glyph::of(c).is_ink(*x, *y)).count()
    };
    let mut kanji: Vec<char> = ('\u{4E00}'..='\u{9FA0}').collect();
    kanji.sort_by_cached_key(|c| ink(*c).abs_diff(68));
    kanji.iter().skip(from).take(count).collect()
}

#[test]
fn the_longest_and_densest_fit() {
    for (name, address) in [(3, 200), (18, 200), (19, 200), (100, 200), (100, 16), (1000, 1000)] {
        let face = face(&holder(&dense(name, 0), &dense(address, 300)));
        println!(
            "{name} {address}: name {} address {} photo {}",
            face.name.len(),
            face.address.len(),
            face.photo.len()
        );
        assert!(measured(&face) <= PICTURES_MAX, "{name} {address}: {}", measured(&face));
        assert!(face.photo.len() > 300);
        assert!(size(&face.address).1 <= 108);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_string_is_too_much(name in "\\PC{0,120}", address in "\\PC{0,250}", code in any::<String>(), number in any::<String>(), age: u8, seed: u64) {
        let face = face(&Holder { name: &name, address: &address, security_code: &code, my_number: &number, age, seed });
        prop_assert!(measured(&face) <= PICTURES_MAX);
        prop_assert_eq!(size(&face.security_code), (24, 12));
        prop_assert_eq!(size(&face.my_number), (72, 12));
    }
}
