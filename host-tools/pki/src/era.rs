//! Eras 元号: the calendar in which the card and its certificates write birthdays. (card.md §7.1, pki.md §6)

use time::{Date, macros::date};

/// 明治 大正 昭和 平成 令和 and their first days.
const ERAS: [(char, Date); 5] = [
    ('1', FIRST_DAY),
    ('2', date!(1912 - 07 - 30)),
    ('3', date!(1926 - 12 - 25)),
    ('4', date!(1989 - 01 - 08)),
    ('5', date!(2019 - 05 - 01)),
];

/// The first day of the first era, 明治: no resident was born before.
pub const FIRST_DAY: Date = date!(1868 - 01 - 25);

/// The year of a date in its era.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EraYear {
    /// `1` 明治 to `5` 令和; `0` before them all.
    pub era: char,
    /// Year of the era, its first calendar year being 1.
    pub year: i32,
}

impl EraYear {
    /// Of a date. Before the first era, years are the Gregorian calendar's.
    #[must_use]
    pub fn of(date: Date) -> Self {
        match ERAS.iter().rev().find(|(_, first)| *first <= date) {
            Some((era, first)) => EraYear { era: *era, year: date.year() - first.year() + 1 },
            None => EraYear { era: '0', year: date.year() },
        }
    }

    /// The name of the era; 西暦 before the first.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.era {
            '1' => "明治",
            '2' => "大正",
            '3' => "昭和",
            '4' => "平成",
            '5' => "令和",
            _ => "西暦",
        }
    }
}

/// A date as people write it in its era: 昭和55年2月17日, 令和元年5月1日.
#[must_use]
pub fn written(date: Date) -> String {
    let year = EraYear::of(date);
    let number = if year.year == 1 { "元".to_owned() } else { year.year.to_string() };
    format!("{}{number}年{}月{}日", year.name(), u8::from(date.month()), date.day())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_year_of_an_era_is_written_gannen() {
        assert_eq!(written(date!(1980 - 02 - 17)), "昭和55年2月17日");
        assert_eq!(written(date!(2019 - 05 - 01)), "令和元年5月1日");
    }

    #[test]
    fn eras_change_on_their_day() {
        for (day, era, year) in [
            (date!(1868 - 01 - 24), '0', 1868),
            (date!(1868 - 01 - 25), '1', 1),
            (date!(1912 - 07 - 29), '1', 45),
            (date!(1912 - 07 - 30), '2', 1),
            (date!(1926 - 12 - 24), '2', 15),
            (date!(1926 - 12 - 25), '3', 1),
            (date!(1989 - 01 - 07), '3', 64),
            (date!(1989 - 01 - 08), '4', 1),
            (date!(2019 - 04 - 30), '4', 31),
            (date!(2019 - 05 - 01), '5', 1),
        ] {
            assert_eq!(EraYear::of(day), EraYear { era, year }, "{day}");
        }
    }
}
