//! A town: its counter, register and call centre at work, alone and by many workers, on both databases.

mod account;
mod applications;
mod batch;
mod kiosk;
mod procedures;
mod support;
