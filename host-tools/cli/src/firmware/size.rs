//! `jitsuin firmware size`

use super::{budget::Budget, program};
use crate::{args, failure::Failure, out::say};
use chip::program::{Program, Symbol};
use serde::Serialize;

/// What the firmware takes before it runs.
#[derive(Serialize)]
pub(super) struct Size {
    /// Bytes of program memory.
    pub(super) flash: u64,
    /// Bytes of RAM that are taken from the start.
    #[serde(rename = "static")]
    pub(super) fixed: u64,
    sections: Vec<Piece>,
    largest: Vec<Piece>,
}

#[derive(Serialize)]
struct Piece {
    name: String,
    bytes: u32,
}

impl Size {
    pub(super) fn of(program: &Program, top: usize) -> Size {
        let is_ram = |address: u32| address >= 0x2000_0000;
        let sections = program.sections();
        let sum = |keep: &dyn Fn(&chip::program::Section) -> bool| {
            sections.iter().filter(|section| keep(section)).map(|section| u64::from(section.size)).sum()
        };
        let mut symbols: Vec<&Symbol> = program.symbols().iter().collect();
        symbols.sort_by_key(|symbol| std::cmp::Reverse(symbol.size));
        Size {
            flash: sum(&|section| section.in_flash),
            fixed: sum(&|section| is_ram(section.address)),
            sections: sections
                .iter()
                .map(|section| Piece { name: section.name.clone(), bytes: section.size })
                .collect(),
            largest: symbols
                .iter()
                .take(top)
                .map(|symbol| Piece { name: symbol.name.clone(), bytes: symbol.size })
                .collect(),
        }
    }
}

pub(super) fn run(size: &args::FirmwareSize) -> Result<(), Failure> {
    let program = program(size.firmware.as_deref())?;
    let found = Size::of(&program, size.top);
    if size.json {
        crate::print_json(&found)?;
    } else {
        for piece in found.sections.iter().chain(&found.largest) {
            say!("{:>8}  {}", piece.bytes, piece.name);
        }
        say!(
            "{:>8}  flash\n{:>8}  RAM before it runs; `jitsuin firmware bench` has the stack",
            found.flash,
            found.fixed
        );
    }
    let Some(budget) = Budget::read(&size.budget)? else { return Ok(()) };
    if found.flash > budget.flash {
        return Err(Failure::Refused(format!("{} bytes of flash, and the budget has {}", found.flash, budget.flash)));
    }
    Ok(())
}
