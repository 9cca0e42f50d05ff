//! `jitsuin serve`, `jitsuin ctl` and `jitsuin watch`.

use crate::{
    failure::Failure,
    serve::{Pin, Request, Tear},
};
use clap::{Args, Subcommand, ValueEnum};
use sim::backend::Backend;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// `jitsuin serve`
#[derive(Debug, Args)]
#[command(
    after_help = "A control channel lies beside the PC/SC socket, as PATH.ctl: `jitsuin ctl` inserts, removes and swaps cards, \
                        pulls them in the middle of a write, keeps and restores them. docs/CONTROL.md has its messages.\n\n\
                        Clients of older versions of libpcsclite see 16 readers: where there are more, each further 16 have a \
                        socket of their own, PATH.1, PATH.2 and so on."
)]
pub(crate) struct Serve {
    /// World folder.
    pub world: PathBuf,
    /// Card id.
    pub card: Option<String>,
    /// A reader of this name with this card in it, or with none; may be repeated.
    #[arg(long, value_name = "NAME=CARD", value_parser = reader)]
    pub reader: Vec<(String, Option<String>)>,
    /// Every issued card of the world, each in a reader of its own.
    #[arg(long, conflicts_with = "card")]
    pub all: bool,
    /// Answer PC/SC clients on this Unix socket; without --vpcd the default is a socket beside the first card's image.
    #[arg(long, value_name = "PATH")]
    pub pcsc: Option<PathBuf>,
    /// Answer at the path that libpcsclite is compiled with, for every user of this machine and programs that cannot be told of
    /// another one. Needs the rights of root, and no pcscd.
    #[arg(long, conflicts_with = "pcsc")]
    pub system: bool,
    /// Be the card of a vpcd virtual reader, usually 127.0.0.1:35963; the n-th is for the n-th reader's card.
    #[arg(long, value_name = "HOST:PORT")]
    pub vpcd: Vec<String>,
    /// A reader for other people's virtual cards, which connect here as they would to vpcd; may be repeated.
    #[arg(long, value_name = "HOST:PORT")]
    pub vpcd_listen: Vec<String>,
    /// Let --vpcd and --vpcd-listen name a host other than this one. vpcd knows no authentication.
    #[arg(long)]
    pub allow_remote: bool,
    /// Readers have keys to type a PIN on; `jitsuin ctl press` plays the holder.
    #[arg(long)]
    pub pin_pad: bool,
    /// Open the control channel here.
    #[arg(long, value_name = "PATH")]
    pub control: Option<PathBuf>,
    /// Write every exchange as JSON lines, secrets blanked.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Tell on standard error who connects: program, process and user.
    #[arg(long, short)]
    pub verbose: bool,
    /// Spoil the answers of every card by a plan: `seed:NUMBER` for any harm by chance, the path of a plan in TOML, or short, long,
    /// more, wrong-le, words, lengths, certificates, atr, bits, slow, mute or pulled. Copies of the cards are served, so nothing that
    /// happens to them lasts; each harm is told on standard error with its rule. docs/HOSTILE.md
    #[arg(long, value_name = "PLAN")]
    pub hostile: Option<String>,
    /// Run the cards as firmware of a chip, in an emulator: this program, or without one what `jitsuin firmware build` built. What reaches a card past its
    /// contacts (cuts, snapshots) is not there.
    #[arg(long, value_name = "ELF", num_args = 0..=1, conflicts_with_all = ["hostile", "engine"])]
    pub firmware: Option<Option<PathBuf>>,
    /// Which emulator [default: qemu where it is there, else built-in].
    #[arg(long, value_name = "WHICH", requires = "firmware")]
    pub emulator: Option<Emulator>,
    /// QEMU for Arm; card-os/firmware/toolchain --qemu names one.
    #[arg(long, value_name = "PROGRAM", env = "JITSUIN_QEMU", default_value = "qemu-system-arm")]
    pub qemu: PathBuf,
    /// Let this RSA engine sign [default: the fastest that runs on this processor].
    #[arg(long, value_name = "NAME", value_parser = super::engine())]
    pub engine: Option<Backend>,
}

/// What a firmware card runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Emulator {
    /// QEMU, a process for each card.
    Qemu,
    /// The emulator of this program.
    BuiltIn,
}

/// NAME=CARD, or NAME alone.
fn reader(text: &str) -> Result<(String, Option<String>), String> {
    let (name, card) = text.split_once('=').unwrap_or((text, ""));
    match name.len() {
        0 => Err("the reader has no name".into()),
        128.. => Err("a reader's name has 127 bytes at most".into()),
        _ => Ok((name.into(), Some(card).filter(|card| !card.is_empty()).map(Into::into))),
    }
}

/// `jitsuin ctl`
#[derive(Debug, Args)]
pub(crate) struct Ctl {
    /// Control channel of the server.
    #[arg(long, value_name = "PATH", env = crate::serve::CONTROL_VARIABLE, global = true)]
    pub control: Option<PathBuf>,
    /// Print JSON where something is told.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub act: Act,
}

/// `jitsuin watch`
#[derive(Debug, Args)]
#[command(
    after_help = "Keys: Up and Down select a reader, Tab or f shows only its traffic, space stops the scrolling, PgUp and PgDn \
                        scroll, q leaves. Scripts take `jitsuin ctl watch`."
)]
pub(crate) struct Watch {
    /// Control channel of the server.
    #[arg(long, value_name = "PATH", env = crate::serve::CONTROL_VARIABLE)]
    pub control: Option<PathBuf>,
}

/// What `jitsuin ctl` does. Each returns when every client can see the effect.
#[derive(Debug, Subcommand)]
pub(crate) enum Act {
    /// Tell what is in the readers, and how many tries the PINs have left.
    List,
    /// Put a card of the server's world in.
    Insert {
        /// Card id.
        card: String,
        #[command(flatten)]
        at: At,
    },
    /// Take the card out, after the command under way.
    Remove {
        #[command(flatten)]
        at: At,
    },
    /// Take the card out and put another one in.
    Swap {
        /// Card id.
        card: String,
        #[command(flatten)]
        at: At,
    },
    /// Give power, or take it away: the session ends.
    Power {
        /// on or off
        #[arg(value_parser = ["on", "off"])]
        state: String,
        #[command(flatten)]
        at: At,
    },
    /// Warm reset.
    Reset {
        #[command(flatten)]
        at: At,
    },
    /// Pull the card out while it writes.
    Cut {
        /// In which operation of its memory, a word written or a page erased, counted from 0 and from now.
        word: u64,
        /// What is left of that word.
        #[arg(long, value_enum, default_value_t)]
        tear: Tear,
        /// For --tear bits.
        #[arg(long, value_name = "N", default_value_t = 0)]
        seed: u64,
        #[command(flatten)]
        at: At,
    },
    /// Keep the card as it is now: memory, tries, session.
    Snapshot {
        /// Name to restore it by.
        #[arg(default_value = "last")]
        name: String,
        #[command(flatten)]
        at: At,
    },
    /// Make the card again what it was.
    Restore {
        /// Name of the snapshot.
        #[arg(default_value = "last")]
        name: String,
        #[command(flatten)]
        at: At,
    },
    /// Write every exchange of all readers to a file of the server's; `off` stops that.
    Trace {
        /// File, or off.
        file: PathBuf,
    },
    /// Type a PIN on the keys of a reader with a PIN pad.
    Press {
        /// PIN; without one the holder gives up.
        pin: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// Print every event from now on, as lines of a trace.
    Watch,
    /// End the server.
    Stop,
}

/// Which reader.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// Name of the reader; may be left out where there is only one.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub reader: String,
}

impl Act {
    /// As the control channel has it.
    pub(crate) fn request(self) -> Result<Request, Failure> {
        Ok(match self {
            Act::List => Request::List {},
            Act::Insert { card, at } => Request::Insert { reader: at.reader, card },
            Act::Remove { at } => Request::Remove { reader: at.reader },
            Act::Swap { card, at } => Request::Swap { reader: at.reader, card },
            Act::Power { state, at } => Request::Power { reader: at.reader, on: state == "on" },
            Act::Reset { at } => Request::Reset { reader: at.reader },
            Act::Cut { word, tear, seed, at } => Request::Cut { reader: at.reader, word, tear, seed },
            Act::Snapshot { name, at } => Request::Snapshot { reader: at.reader, name },
            Act::Restore { name, at } => Request::Restore { reader: at.reader, name },
            Act::Trace { file } if file.as_os_str() == "off" => Request::Trace { file: None },
            // The server has a folder of its own.
            Act::Trace { file } => Request::Trace { file: Some(std::path::absolute(file)?) },
            Act::Press { pin, at } => {
                Request::Press { reader: at.reader, pin: pin.map(|pin| Pin(Zeroizing::new(pin))) }
            }
            Act::Watch => Request::Watch {},
            Act::Stop => Request::Stop {},
        })
    }
}
