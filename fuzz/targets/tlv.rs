//! Any bytes as BER-TLV and simple-TLV: readers never panic, what strict reading accepts is written back alike, and what
//! lenient reading accepts is read the same again after it was written.
#![no_main]

use apdu::tlv::{Rules, ber, simple};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for rules in [Rules::Strict, Rules::Card] {
        // Cards write lengths in more bytes than they need.
        let mut out = vec![0xEE; 2 * data.len() + 16];
        ber_objects(data, rules, &mut out);
        simple_objects(data, rules, &mut out);
    }
});

fn ber_objects(data: &[u8], rules: Rules, out: &mut [u8]) {
    let mut writer = ber::Writer::new(out, rules);
    let Ok(objects) = ber::Reader::new(data, rules).collect::<Result<Vec<_>, _>>() else { return };
    for object in &objects {
        writer.put(object.tag, object.value).expect("room for what was read");
        // One level down there may be anything.
        ber::Reader::new(object.value, rules).for_each(drop);
    }
    let written = writer.finish();
    assert!(rules == Rules::Card || written == data);
    let again = ber::Reader::new(written, rules).map(|object| object.expect("what was written can be read"));
    assert!(again.map(|object| (object.tag, object.value)).eq(objects.iter().map(|object| (object.tag, object.value))));
}

fn simple_objects(data: &[u8], rules: Rules, out: &mut [u8]) {
    let mut writer = simple::Writer::new(out);
    let Ok(objects) = simple::Reader::new(data, rules).collect::<Result<Vec<_>, _>>() else { return };
    for object in &objects {
        writer.put(object.tag, object.value).expect("room for what was read");
    }
    let written = writer.finish();
    assert!(rules == Rules::Card || written == data);
    let again = simple::Reader::new(written, rules).map(|object| object.expect("what was written can be read"));
    assert!(again.map(|object| (object.tag, object.value)).eq(objects.iter().map(|object| (object.tag, object.value))));
}
