//! The arithmetic of validity: birthdays, caps, the renewal window. (pki.md §8)
//!
//! Dates are Japanese calendar dates (JST, UTC+9). Nothing here knows what day it is: the caller says.

use time::{Date, Duration, Month, OffsetDateTime, Time, UtcOffset, macros::date};

/// A moment as clocks in Japan show it. The last hours that a certificate can name are in the year 10000 there, which no date here
/// can be: they stay as they are.
#[must_use]
pub fn jst(at: OffsetDateTime) -> OffsetDateTime {
    UtcOffset::from_hms(9, 0, 0).ok().and_then(|japan| at.checked_to_offset(japan)).unwrap_or(at)
}

/// The calendar date in Japan at this moment.
#[must_use]
pub fn jst_date(now: OffsetDateTime) -> Date {
    jst(now).date()
}

/// The last second of a date in Japan: 14:59:59 UTC of the same date. (R6)
#[must_use]
pub fn last_second(date: Date) -> OffsetDateTime {
    date.with_time(Time::from_hms(14, 59, 59).unwrap_or(Time::MIDNIGHT)).assume_utc()
}

/// The birthday in a year; 29 February is 28 February in common years. (R10, P-01)
#[must_use]
pub fn birthday_in(born: Date, year: i32) -> Date {
    Date::from_calendar_date(year, born.month(), born.day())
        .or_else(|_| Date::from_calendar_date(year, Month::February, 28))
        .unwrap_or(Date::MAX)
}

/// The n-th birthday after a day; one on the day itself does not count. (R2, P-02)
#[must_use]
pub fn nth_birthday_after(born: Date, day: Date, n: u8) -> Date {
    let first = if birthday_in(born, day.year()) > day { day.year() } else { day.year() + 1 };
    birthday_in(born, first + i32::from(n) - 1)
}

/// Completed years on a day.
#[must_use]
pub fn age(born: Date, day: Date) -> i32 {
    day.year() - born.year() - i32::from(birthday_in(born, day.year()) > day)
}

/// A date some months earlier, clamped to the end of the month.
fn months_before(date: Date, months: i32) -> Date {
    let count = date.year() * 12 + i32::from(u8::from(date.month())) - 1 - months;
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12) + 1);
    let month = u8::try_from(month).ok().and_then(|month| Month::try_from(month).ok()).unwrap_or(Month::January);
    Date::from_calendar_date(year, month, date.day().min(month.length(year))).unwrap_or(Date::MIN)
}

/// Last day of a Juki card's certificate: three years, bound to no birthday. (pki.md P-09)
#[must_use]
pub fn juki_expiry(day: Date) -> Date {
    birthday_in(day, day.year() + 3).previous_day().unwrap_or(Date::MIN)
}

/// Whether less than three months remain, and the certificate has not ended. (R8, R11, P-03)
#[must_use]
pub fn may_renew(today: Date, expiry: Date) -> bool {
    today > months_before(expiry, 3) && today <= expiry
}

/// The first day on which a certificate can be renewed. (R11, P-03)
#[must_use]
pub fn renewal_opens(expiry: Date) -> Date {
    months_before(expiry, 3).next_day().unwrap_or(Date::MAX)
}

/// Last day of a certificate by birthdays alone: the 5th after issue, the 6th when `old` is renewed in its window. (R3)
#[must_use]
pub fn by_birthday(born: Date, day: Date, old: Option<Date>) -> Date {
    let renewal = old.is_some_and(|old| may_renew(day, old));
    nth_birthday_after(born, day, if renewal { 6 } else { 5 })
}

/// Age from which somebody was an adult on this day: 20, and 18 since 2022-04-01. (R7)
#[must_use]
pub fn majority(day: Date) -> i32 {
    if day < date!(2022 - 04 - 01) { 20 } else { 18 }
}

/// Last day of a card: 10th birthday for adults, 5th for minors, the end of the stay if earlier. The day of issue stands for that
/// of the application, which decides who was an adult. (R7)
#[must_use]
pub fn card_expiry(born: Date, day: Date, stay_ends: Option<Date>) -> Date {
    let birthday = nth_birthday_after(born, day, if age(born, day) >= majority(day) { 10 } else { 5 });
    stay_ends.map_or(birthday, |stay| stay.min(birthday))
}

/// Last day of a user authentication certificate. (R4)
#[must_use]
pub fn authentication_expiry(born: Date, day: Date, old: Option<Date>, card: Date) -> Date {
    by_birthday(born, day, old).min(card)
}

/// Last day of a signature certificate. (R5)
#[must_use]
pub fn signature_expiry(born: Date, day: Date, old: Option<Date>, authentication: Option<Date>, card: Date) -> Date {
    let own = by_birthday(born, day, old).min(card);
    authentication.map_or(own, |authentication| own.min(authentication))
}

/// Whether a person may have a signature certificate. (R9)
#[must_use]
pub fn may_sign(born: Date, day: Date) -> bool {
    age(born, day) >= 15
}

/// Last day of a root made on this day: ten years minus a day. (pki.md §3)
#[must_use]
pub fn root_expiry(day: Date) -> Date {
    birthday_in(day, day.year() + 10) - Duration::DAY
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The examples of pki.md §8.2, by number.
    #[test]
    fn the_sixteen_examples() {
        let born = date!(1980 - 02 - 17);
        assert_eq!(by_birthday(born, date!(2025 - 10 - 27), None), date!(2030 - 02 - 17), "1");
        assert_eq!(card_expiry(born, date!(2025 - 10 - 27), None), date!(2035 - 02 - 17), "1c");
        assert_eq!(by_birthday(date!(1990 - 05 - 02), date!(2019 - 07 - 26), None), date!(2024 - 05 - 02), "2");
        let april = date!(2000 - 04 - 10);
        assert_eq!(by_birthday(april, date!(2026 - 04 - 10), None), date!(2031 - 04 - 10), "3");
        assert_eq!(by_birthday(april, date!(2026 - 04 - 09), None), date!(2030 - 04 - 10), "4");
        let old = Some(date!(2030 - 02 - 17));
        assert_eq!(by_birthday(born, date!(2029 - 12 - 01), old), date!(2035 - 02 - 17), "5");
        assert_eq!(by_birthday(born, date!(2029 - 11 - 17), old), date!(2034 - 02 - 17), "6");
        assert_eq!(by_birthday(born, date!(2029 - 11 - 18), old), date!(2035 - 02 - 17), "7");
        let september = date!(1985 - 09 - 15);
        let card = date!(2034 - 09 - 15);
        let authentication = authentication_expiry(september, date!(2024 - 06 - 01), None, card);
        assert_eq!(authentication, date!(2028 - 09 - 15), "8");
        let again = date!(2026 - 03 - 10);
        assert_eq!(by_birthday(september, again, None), date!(2030 - 09 - 15), "8");
        assert_eq!(signature_expiry(september, again, None, Some(authentication), card), date!(2028 - 09 - 15), "8");
        let (child, day) = (date!(2015 - 07 - 01), date!(2026 - 02 - 01));
        let card = card_expiry(child, day, None);
        assert_eq!(card, date!(2030 - 07 - 01), "9");
        assert_eq!(authentication_expiry(child, day, None, card), date!(2030 - 07 - 01), "9");
        assert!(!may_sign(child, day), "9");
        let stay = card_expiry(born, date!(2025 - 10 - 27), Some(date!(2027 - 03 - 31)));
        assert_eq!(stay, date!(2027 - 03 - 31), "10");
        assert_eq!(signature_expiry(born, date!(2025 - 10 - 27), None, Some(stay), stay), stay, "10");
        let leap = date!(2004 - 02 - 29);
        for (number, day, end) in [
            ("11", date!(2026 - 01 - 15), date!(2030 - 02 - 28)),
            ("12", date!(2027 - 02 - 28), date!(2032 - 02 - 29)),
            ("13", date!(2028 - 02 - 28), date!(2032 - 02 - 29)),
            ("14", date!(2028 - 02 - 29), date!(2033 - 02 - 28)),
            ("15", date!(2026 - 03 - 01), date!(2031 - 02 - 28)),
        ] {
            assert_eq!(by_birthday(leap, day, None), end, "{number}");
        }
        assert_eq!(by_birthday(date!(1990 - 01 - 01), date!(2026 - 12 - 31), None), date!(2031 - 01 - 01), "16");
    }

    #[test]
    fn cards_of_minors_last_five_birthdays() {
        for (born, day, end, why) in [
            (date!(2008 - 11 - 24), date!(2026 - 11 - 24), date!(2036 - 11 - 24), "18 today"),
            (date!(2008 - 11 - 25), date!(2026 - 11 - 24), date!(2030 - 11 - 25), "18 tomorrow; that birthday counts"),
            (date!(2026 - 11 - 24), date!(2026 - 11 - 24), date!(2031 - 11 - 24), "born today"),
            (date!(2008 - 02 - 29), date!(2026 - 02 - 27), date!(2030 - 02 - 28), "18 tomorrow, 28 February"),
            (date!(2008 - 02 - 29), date!(2026 - 02 - 28), date!(2036 - 02 - 29), "18 today, 28 February"),
            (
                date!(2002 - 03 - 31),
                date!(2022 - 03 - 31),
                date!(2032 - 03 - 31),
                "20 on the last day of majority at 20",
            ),
            (date!(2002 - 04 - 01), date!(2022 - 03 - 31), date!(2026 - 04 - 01), "still 19 then"),
            (
                date!(2002 - 04 - 02),
                date!(2022 - 04 - 01),
                date!(2031 - 04 - 02),
                "19, on the first day of majority at 18",
            ),
        ] {
            assert_eq!(card_expiry(born, day, None), end, "{why}");
        }
    }

    #[test]
    fn renewal_windows() {
        for (expiry, opens) in [
            (date!(2030 - 02 - 17), date!(2029 - 11 - 18)),
            (date!(2030 - 05 - 31), date!(2030 - 03 - 01)),
            (date!(2028 - 05 - 31), date!(2028 - 03 - 01)),
            (date!(2030 - 05 - 30), date!(2030 - 03 - 01)),
            (date!(2032 - 02 - 29), date!(2031 - 11 - 30)),
        ] {
            assert_eq!(renewal_opens(expiry), opens);
            assert!(may_renew(opens, expiry) && !may_renew(opens - Duration::DAY, expiry), "{expiry}");
            assert!(may_renew(expiry, expiry) && !may_renew(expiry + Duration::DAY, expiry), "{expiry}");
        }
    }

    #[test]
    fn a_day_ends_in_japan() {
        use time::macros::datetime;
        assert_eq!(jst_date(datetime!(2019-07-25 15:28:06 UTC)), date!(2019 - 07 - 26), "R1");
        assert_eq!(jst_date(datetime!(9999-12-31 23:59:59 UTC)), date!(9999 - 12 - 31), "RFC 5280 §4.1.2.5");
        assert_eq!(last_second(date!(2024 - 05 - 02)), datetime!(2024-05-02 14:59:59 UTC), "R6");
        assert_eq!(root_expiry(date!(2014 - 07 - 07)), date!(2024 - 07 - 06), "平成26年7月7日 to 平成36年7月6日");
    }

    fn any_date() -> impl Strategy<Value = Date> {
        (2_415_021..2_488_070).prop_map(|day| Date::from_julian_day(day).expect("a date"))
    }

    proptest! {
        /// Against counting day by day.
        #[test]
        fn counting_agrees_with_walking(born in any_date(), issued in any_date(), n in 1u8..11) {
            let (mut day, mut seen) = (issued, 0);
            while seen < n {
                day = day.next_day().expect("a date");
                let deemed = born.month() == Month::February && born.day() == 29
                    && day.month() == Month::February && day.day() == 28
                    && time::util::days_in_year(day.year()) == 365;
                if deemed || (day.month(), day.day()) == (born.month(), born.day()) {
                    seen += 1;
                }
            }
            prop_assert_eq!(nth_birthday_after(born, issued, n), day);
        }

        /// R2 to R6, R8 and R11 for anybody born on any day, those of 29 February as often as all others: what is issued ends on
        /// a birthday, after four years and at most five; what is renewed in its window ends five years after the old one, and
        /// nothing outlives what caps it.
        #[test]
        fn certificates_end_where_the_rules_say(
            (born, leap) in (any_date(), any::<bool>()),
            (after, into, alone) in (0i64..40_000, 0i64..100, 0i64..2000),
        ) {
            let born = if leap { birthday_in(date!(2004 - 02 - 29), born.year() / 4 * 4) } else { born };
            prop_assume!(born.year() < 1990);
            let day = born + Duration::days(after);
            let (card, end) = (card_expiry(born, day, None), by_birthday(born, day, None));
            prop_assert_eq!(end, birthday_in(born, end.year()), "a birthday");
            prop_assert!(end > birthday_in(day, day.year() + 4) - Duration::DAY && end <= birthday_in(day, day.year() + 5) + Duration::DAY);
            let authentication = authentication_expiry(born, day, None, card);
            prop_assert!(authentication <= card && authentication <= end);
            // In the window, whose length is three months, the sixth counts.
            let today = renewal_opens(end) + Duration::days(into);
            prop_assert_eq!(may_renew(today, end), today <= end);
            prop_assert!(!may_renew(renewal_opens(end) - Duration::DAY, end));
            let renewed = by_birthday(born, today, Some(end));
            match today.cmp(&end) {
                std::cmp::Ordering::Less => prop_assert_eq!(renewed, birthday_in(born, end.year() + 5)),
                // The birthday on the day itself does not count. (P-02)
                std::cmp::Ordering::Equal => prop_assert_eq!(renewed, birthday_in(born, end.year() + 6)),
                // A new issue. (P-03)
                std::cmp::Ordering::Greater => prop_assert_eq!(renewed, by_birthday(born, today, None)),
            }
            // Issued again alone, a signature certificate does not outlive the authentication certificate beside it. (R5)
            let again = day + Duration::days(alone);
            prop_assert!(signature_expiry(born, again, None, Some(authentication), card) <= authentication);
        }
    }
}
