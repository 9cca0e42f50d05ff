//! The `jitsuin` binary as its users meet it: its own commands, other people's programs, and the README.

mod apply;
mod batch;
mod bench;
mod client;
mod clients;
mod commands;
mod conform;
mod explore;
mod firmware;
mod fuzz;
mod hostile;
mod kiosk;
mod learn;
mod login;
mod memory;
mod people;
mod procedures;
mod readers;
mod readme;
mod registry;
mod semantics;
mod story;
mod support;
mod traces;
mod watch;
mod whole_card;
