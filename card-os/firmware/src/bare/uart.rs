//! UART 0 of the board (Arm CMSDK APB UART).
#![allow(unsafe_code)]

use core::ptr;
use cortex_m::{asm, peripheral::NVIC};

const DATA: *mut u32 = 0x4000_4000 as *mut u32;
const STATE: *mut u32 = 0x4000_4004 as *mut u32;
const CONTROL: *mut u32 = 0x4000_4008 as *mut u32;
const CLEAR: *mut u32 = 0x4000_400C as *mut u32;
const DIVIDER: *mut u32 = 0x4000_4010 as *mut u32;

const TX_FULL: u32 = 1 << 0;
const RX_FULL: u32 = 1 << 1;
/// Sender, receiver, and the interrupt that wakes whoever waits for a byte.
const ON: u32 = 0b1011;
/// The receiver's interrupt.
const RX_INTERRUPT: u32 = 1 << 1;

/// Number of the receiver's interrupt.
#[derive(Clone, Copy)]
struct Receiver;

// SAFETY: 0 is the number of the interrupt at this board, and there is no other of this type.
unsafe impl cortex_m::interrupt::InterruptNumber for Receiver {
    fn number(self) -> u16 {
        0
    }
}

/// Handlers of interrupts, in the table of vectors: the receiver's alone, and it never runs.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [Option<unsafe extern "C" fn()>; 1] = [None];

/// The line. There is one.
pub(super) struct Uart(());

impl Uart {
    /// Switches it on.
    pub(super) fn new() -> Self {
        cortex_m::interrupt::disable();
        // SAFETY: registers of this board, and nobody else uses them. No handler runs: interrupts stay masked, and only end
        // `wfi`.
        unsafe {
            ptr::write_volatile(DIVIDER, 16);
            ptr::write_volatile(CONTROL, ON);
            // What came before the receiver was on is looked for at the next read alone.
            ptr::read_volatile(DATA);
            NVIC::unmask(Receiver);
        }
        Uart(())
    }

    /// Waits for one byte.
    pub(super) fn receive(&mut self) -> u8 {
        // SAFETY: as above.
        unsafe {
            while ptr::read_volatile(STATE) & RX_FULL == 0 {
                ptr::write_volatile(CLEAR, RX_INTERRUPT);
                NVIC::unpend(Receiver);
                if ptr::read_volatile(STATE) & RX_FULL == 0 {
                    asm::wfi();
                }
            }
            (ptr::read_volatile(DATA) & 0xFF) as u8
        }
    }

    /// Sends one byte.
    pub(super) fn send(&mut self, byte: u8) {
        // SAFETY: as above.
        unsafe {
            while ptr::read_volatile(STATE) & TX_FULL != 0 {}
            ptr::write_volatile(DATA, u32::from(byte));
        }
    }
}
