//! The readers of a server and the cards in them: everything that a hand can do there.

use super::{
    machine::Machines,
    request::{About, Pin},
};
use crate::failure::Failure;
use card_os::profile::{Kind, Model};
use rand_core::Rng;
use sim::{
    backend::AnyEngine,
    card::{Simulated, StoredCard},
    firmware::FirmwareCard,
    hostile::{Campaign, Hostile, Plan, Teller},
    nvm::Tear,
    pcsc::{PinPad, Port, Pressed},
    rng::SimRng,
    slot::{Silence, Slot, Usage, VirtualCard},
    trace::{Outputs, Tap},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};
use tempfile::TempDir;
use world::World;
use zeroize::Zeroizing;

/// How long a card that a plan has pulled out stays away.
const AWAY: Duration = Duration::from_secs(1);
/// Snapshots that a reader keeps at most; each is a whole card.
const SNAPSHOTS: usize = 64;

/// A row of readers, and the box of cards beside it.
pub(super) struct Rack {
    world: Mutex<World>,
    engine: AnyEngine,
    /// Where cards run that are firmware.
    machines: Option<Machines>,
    readers: Vec<Reader>,
    /// Where traces of all readers go.
    pub(super) outputs: Arc<Outputs>,
}

struct Reader {
    slot: Arc<Slot>,
    /// What spoils the answers of its cards.
    campaign: Option<Arc<Campaign>>,
    tap: Arc<Tap>,
    pad: Option<Arc<PinPad>>,
    place: Mutex<Place>,
}

/// What a hand has put there.
#[derive(Default)]
struct Place {
    card: Option<(String, Held)>,
    /// Where the image of a copy lies.
    _folder: Option<TempDir>,
    snapshots: BTreeMap<String, (Simulated, bool)>,
}

/// A card in a slot that can also be reached past its contacts.
#[derive(Clone)]
struct Held(Arc<Mutex<StoredCard>>);

impl Held {
    fn card(&self) -> MutexGuard<'_, StoredCard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl VirtualCard for Held {
    fn atr(&self) -> Vec<u8> {
        self.card().atr()
    }

    fn power_on(&mut self) {
        self.card().power_on();
    }

    fn power_off(&mut self) {
        self.card().power_off();
    }

    fn reset(&mut self) {
        self.card().reset();
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Silence> {
        self.card().transmit(command)
    }
}

impl Rack {
    /// Empty readers of these names; with keys on them, if so.
    pub(super) fn new(
        world: World,
        engine: AnyEngine,
        names: &[String],
        pin_pads: bool,
        plan: Option<&Plan>,
        machines: Option<Machines>,
    ) -> Result<Rack, Failure> {
        let outputs = Arc::new(Outputs::default());
        let mut readers: Vec<Reader> = Vec::with_capacity(names.len());
        for name in names {
            if readers.iter().any(|reader| reader.slot.name() == name) {
                return Err(Failure::Usage(format!("{name:?}: two readers of one name")));
            }
            let (slot, tap) = (Slot::new(name), Tap::new(name, Arc::clone(&outputs)));
            slot.observe(Arc::clone(&tap) as _);
            let campaign = plan.map(|plan| Campaign::new(plan.clone(), teller(name.clone(), Arc::clone(&tap))));
            readers.push(Reader { slot, campaign, tap, pad: pin_pads.then(PinPad::new), place: Mutex::default() });
        }
        Ok(Rack { world: Mutex::new(world), engine, machines, readers, outputs })
    }

    /// The readers as a socket's clients see them.
    pub(super) fn ports(&self) -> Vec<Port> {
        self.readers.iter().map(|reader| Port { slot: Arc::clone(&reader.slot), pin_pad: reader.pad.clone() }).collect()
    }

    /// The slots, in their order.
    pub(super) fn slots(&self) -> impl Iterator<Item = &Arc<Slot>> {
        self.readers.iter().map(|reader| &reader.slot)
    }

    /// What is known of each reader.
    pub(super) fn about(&self) -> Vec<About> {
        self.readers.iter().map(Reader::about).collect()
    }

    /// Puts a card of the world in.
    pub(super) fn insert(&self, reader: &str, card: &str) -> Result<(), Failure> {
        let reader = self.reader(reader)?;
        let mut place = reader.place();
        if reader.slot.state().present {
            let who = place.card.as_ref().map_or("a card from elsewhere", |(id, _)| id.as_str());
            return Err(Failure::Refused(format!("{who} is in {:?}; remove it, or swap", reader.slot.name())));
        }
        self.put(reader, &mut place, card)
    }

    /// Takes the card out, after the command under way.
    pub(super) fn remove(&self, reader: &str) -> Result<(), Failure> {
        let reader = self.reader(reader)?;
        reader.take(&mut reader.place())
    }

    /// Takes the card out and puts another one in. If that fails the reader is empty.
    pub(super) fn swap(&self, reader: &str, card: &str) -> Result<(), Failure> {
        let reader = self.reader(reader)?;
        let mut place = reader.place();
        reader.take(&mut place)?;
        self.put(reader, &mut place, card)
    }

    /// Gives power or takes it away, whoever is connected.
    pub(super) fn power(&self, reader: &str, on: bool) -> Result<(), Failure> {
        let slot = &self.reader(reader)?.slot;
        if on {
            slot.power_on().map(drop)?
        } else {
            slot.power_off()?
        }
        Ok(())
    }

    /// Warm reset, whoever is connected.
    pub(super) fn reset(&self, reader: &str) -> Result<(), Failure> {
        self.reader(reader)?.slot.reset()?;
        Ok(())
    }

    /// The card is pulled out in this operation of its memory, counted from now.
    pub(super) fn cut(&self, reader: &str, operation: u64, tear: Tear) -> Result<(), Failure> {
        let reader = self.reader(reader)?;
        reader.held(&reader.place())?.card().cut_at(operation, tear);
        Ok(())
    }

    /// Keeps the card as it is now, session included.
    pub(super) fn snapshot(&self, reader: &str, name: &str) -> Result<(), Failure> {
        let reader = self.reader(reader)?;
        let mut place = reader.place();
        if place.snapshots.len() >= SNAPSHOTS && !place.snapshots.contains_key(name) {
            return Err(Failure::Refused(format!(
                "a reader keeps {SNAPSHOTS} snapshots; use one of their names again"
            )));
        }
        // The card between two commands, and whether it has power there.
        let kept = {
            let held = reader.held(&place)?;
            let card = held.card();
            (card.fork(), reader.slot.state().powered)
        };
        place.snapshots.insert(name.into(), kept);
        Ok(())
    }

    /// The card is again what it was, its memory, its tries and its session; the same for whoever is connected.
    pub(super) fn restore(&self, reader: &str, name: &str) -> Result<(), Failure> {
        let reader = self.reader(reader)?;
        let place = reader.place();
        let held = reader.held(&place)?;
        let Some((kept, powered)) = place.snapshots.get(name) else {
            let names: Vec<&str> = place.snapshots.keys().map(String::as_str).collect();
            return Err(Failure::Refused(format!("{name:?}: no such snapshot; there are {names:?}")));
        };
        match (reader.slot.state().powered, *powered) {
            (false, true) => drop(reader.slot.power_on()?),
            (true, false) => reader.slot.power_off()?,
            // Not even a transaction is disturbed.
            _ => {}
        }
        held.card().restore(kept.fork())?;
        Ok(())
    }

    /// The holder types a PIN, or gives up.
    pub(super) fn press(&self, reader: &str, pin: Option<Pin>) -> Result<(), Failure> {
        let reader = self.reader(reader)?;
        let Some(pad) = &reader.pad else {
            return Err(Failure::Refused("the reader has no keys; start the server with --pin-pad".into()));
        };
        let pressed = pin.map_or(Pressed::Cancel, |pin| Pressed::Pin(Zeroizing::new(pin.0.as_bytes().to_vec())));
        if pad.press(pressed) { Ok(()) } else { Err(Failure::Refused("too many PINs are typed ahead".into())) }
    }

    /// Takes every card out, after the commands under way.
    pub(super) fn clear(&self) {
        for reader in &self.readers {
            // Most often there is none.
            let _ = reader.take(&mut reader.place());
            reader.slot.remove();
        }
    }

    /// The reader of this name; the only one where none is named.
    fn reader(&self, name: &str) -> Result<&Reader, Failure> {
        let found = match (name, &self.readers[..]) {
            ("", [only]) => Some(only),
            ("", _) => return Err(Failure::Usage(format!("which reader? {}", self.names()))),
            _ => self.readers.iter().find(|reader| reader.slot.name() == name),
        };
        found.ok_or_else(|| Failure::Refused(format!("{name:?}: no such reader; {}", self.names())))
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.slots().map(|slot| slot.name()).take(20).collect();
        format!("there are {names:?}")
    }

    fn put(&self, reader: &Reader, place: &mut Place, id: &str) -> Result<(), Failure> {
        let world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let (record, card) = crate::card_on(&world, id, self.engine.clone())?;
        let image = world.image(id);
        drop(world);
        reader.tap.expect(card.card().model());
        if let Some(machines) = &self.machines {
            // Its image is the emulator's now.
            drop(card);
            let folder = private_folder()?;
            let seed = SimRng::from_os()?.next_u64();
            let card = FirmwareCard::start(machines.make(folder.path())?, &image, seed)?;
            reader.slot.insert(Box::new(card));
            *place = Place { _folder: Some(folder), ..Place::default() };
            return Ok(());
        }
        let Some(campaign) = &reader.campaign else {
            let held = Held(Arc::new(Mutex::new(card)));
            reader.slot.insert(Box::new(held.clone()));
            *place = Place { card: Some((record.id, held)), ..Place::default() };
            return Ok(());
        };
        // The card of the world goes back into its box: what a hostile reader's clients do to it is nobody's wish.
        let folder = private_folder()?;
        let copy = StoredCard::create(&folder.path().join("card.img"), card.fork())?;
        drop(card);
        let held = Held(Arc::new(Mutex::new(copy)));
        reader.slot.insert(Box::new(Hostile::new(held.clone(), Arc::clone(campaign))));
        *place = Place { card: Some((record.id, held)), _folder: Some(folder), ..Place::default() };
        Ok(())
    }

    /// Puts cards back that a plan has pulled out, until the server ends.
    pub(super) fn bring_back(self: &Arc<Self>) {
        for number in (0..self.readers.len()).filter(|number| self.readers[*number].campaign.is_some()) {
            let rack = Arc::downgrade(self);
            // It ends with the program.
            thread::spawn(move || {
                while let Some(rack) = rack.upgrade() {
                    let reader = &rack.readers[number];
                    let state = reader.slot.state();
                    if !state.present {
                        reader.come_back();
                    }
                    reader.slot.wait_change(state.serial, AWAY);
                }
            });
        }
    }
}

fn private_folder() -> std::io::Result<TempDir> {
    tempfile::Builder::new().prefix("jitsuin-").tempdir()
}

/// Tells of a harm on standard error and in traces.
fn teller(reader: String, tap: Arc<Tap>) -> Teller {
    Box::new(move |harm| {
        eprintln!("hostile: {reader}: {harm}");
        tap.harmed(harm.to_string());
    })
}

impl Reader {
    /// The copy that was pulled out comes back as it is; one that a hand took out does not.
    fn come_back(&self) {
        let Some(campaign) = &self.campaign else { return };
        let held = |place: &Place| place.card.as_ref().map(|(_, held)| held.clone());
        let lying = || self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if held(&lying()).is_none() {
            return;
        }
        thread::sleep(AWAY);
        let place = lying();
        if let Some(held) = held(&place).filter(|_| !self.slot.state().present) {
            self.slot.insert(Box::new(Hostile::new(held, Arc::clone(campaign))));
        }
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        // One that was pulled out at its work lies beside the reader, and goes back into the box.
        if self.campaign.is_none() && place.card.is_some() && !self.slot.state().present {
            *place = Place::default();
        }
        place
    }

    fn held(&self, place: &Place) -> Result<Held, Failure> {
        let none = || Failure::Refused(format!("no card of this world is in {:?}; insert one", self.slot.name()));
        place.card.as_ref().map(|(_, held)| held.clone()).ok_or_else(none)
    }

    fn take(&self, place: &mut Place) -> Result<(), Failure> {
        let removed = self.slot.remove().map(drop);
        *place = Place::default();
        removed.ok_or_else(|| Failure::Refused(format!("{:?} is empty", self.slot.name())))
    }

    fn about(&self) -> About {
        let (place, state) = (self.place(), self.slot.state());
        let (exclusive, connections) = match state.usage {
            Usage::Exclusive => (true, 1),
            Usage::Shared(count) => (false, count),
        };
        let pins = place.card.as_ref().map(|(_, held)| tries(held.card().fork())).unwrap_or_default();
        About {
            reader: self.slot.name().into(),
            card: place.card.as_ref().map(|(id, _)| id.clone()),
            present: state.present,
            powered: state.powered,
            atr: hex::encode_upper(&state.atr),
            connections,
            exclusive,
            events: state.events,
            pins,
            snapshots: place.snapshots.keys().cloned().collect(),
        }
    }
}

/// Tries left of every PIN that has any, asked of a copy. (card.md §7)
fn tries(mut card: Simulated) -> BTreeMap<String, u8> {
    let model: &'static Model = card.model();
    let mut pins = BTreeMap::new();
    card.power_on();
    for application in model.applications {
        let length = u8::try_from(application.aid.len()).unwrap_or(0);
        let select = [&[0x00, 0xA4, 0x04, 0x0C, length][..], application.aid].concat();
        if VirtualCard::transmit(&mut card, &select).ok().as_deref() != Some(&[0x90, 0x00]) {
            continue;
        }
        for object in application.objects.iter().filter(|object| matches!(object.kind, Kind::Pin { .. })) {
            let query = VirtualCard::transmit(&mut card, &[0x00, 0x20, 0x00, 0x80 | object.number]);
            let left = match query.as_deref() {
                Ok([0x63, word]) if word >> 4 == 0xC => word & 0x0F,
                Ok([0x69, 0x84]) => 0,
                _ => continue,
            };
            pins.insert(format!("{}: {}", application.name, object.name), left);
        }
    }
    pins
}
