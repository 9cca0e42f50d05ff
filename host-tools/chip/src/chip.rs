//! The chip: run it, talk to it, count, go back, and hurt it.

use crate::{
    board::{Board, BoardKept, Cut, Written},
    decode::{decode, is_wide},
    processor::Processor,
    program::Program,
    stop::Stop,
};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Instructions until the firmware must have come to its first wait.
const START: u64 = 200_000_000;

/// A chip with power. A plain value: what it does follows from program, file and arguments alone.
#[derive(Debug, Clone)]
pub struct Chip {
    program: Arc<Program>,
    processor: Processor,
    board: Board,
}

/// A moment of a chip, to come back to.
#[derive(Debug, Clone)]
pub struct Snapshot {
    processor: Processor,
    board: BoardKept,
}

/// What a glitch does at one instruction. (spec/reliability.md, faults)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Glitch {
    /// So many instructions are passed over.
    Skip(u8),
    /// Z is turned around.
    Zero,
    /// One bit of the instruction, of sixteen or thirty-two, is turned around, this once.
    Opcode(u8),
    /// One bit of a register is turned around; 15 is the program counter.
    Register(u8, u8),
}

impl Chip {
    /// A chip whose power comes now, with the file of its flash and the arguments of its program.
    #[must_use]
    pub fn new(program: Arc<Program>, file: Vec<u8>, arguments: &str) -> Self {
        let (stack, entry) = program.start();
        let board = Board::new(Arc::clone(&program), file, format!("firmware {arguments}"));
        Chip { processor: Processor::new(stack, entry), program, board }
    }

    /// As [`Chip::new`], run until it waits for its first message.
    ///
    /// # Errors
    /// [`Stop`] where it does not come to that.
    pub fn started(program: Arc<Program>, file: Vec<u8>, arguments: &str) -> Result<Self, Stop> {
        let mut chip = Chip::new(program, file, arguments);
        match chip.run(START) {
            Stop::Idle => Ok(chip),
            other => Err(other),
        }
    }

    /// The program that runs.
    #[must_use]
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Runs for so many instructions at most.
    pub fn run(&mut self, most: u64) -> Stop {
        let end = self.processor.count.saturating_add(most);
        while self.processor.count < end {
            if let Err(stop) = self.processor.step(&self.program, &mut self.board) {
                return stop;
            }
        }
        Stop::Limit
    }

    /// Runs one instruction.
    ///
    /// # Errors
    /// [`Stop`] where there is none to run.
    pub fn step(&mut self) -> Result<(), Stop> {
        self.processor.step(&self.program, &mut self.board)
    }

    /// Gives bytes to the line.
    pub fn send(&mut self, bytes: &[u8]) {
        self.board.input.extend(bytes);
    }

    /// Gives a message of vpcd to the line, and runs nothing. (spec/pcsc.md §1)
    pub fn send_message(&mut self, message: &[u8]) {
        self.send(&framed(message));
    }

    /// Takes what came over the line.
    pub fn receive(&mut self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(std::mem::take(&mut self.board.output))
    }

    /// What came over the line and was not taken.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.board.output
    }

    /// One message of vpcd to the chip, which runs for so many instructions at most. (spec/pcsc.md §1)
    pub fn tell(&mut self, message: &[u8], most: u64) -> Stop {
        self.send_message(message);
        self.run(most)
    }

    /// As [`Chip::tell`], and the answer.
    ///
    /// # Errors
    /// [`Stop`] where the chip does not come to wait for the next message, or what it said is no message.
    pub fn ask(&mut self, message: &[u8], most: u64) -> Result<Zeroizing<Vec<u8>>, Stop> {
        match self.tell(message, most) {
            Stop::Idle => answer(&self.receive()).map(|answer| Zeroizing::new(answer.to_vec())).ok_or(Stop::Idle),
            other => Err(other),
        }
    }

    /// The file of its flash.
    #[must_use]
    pub fn file(&self) -> &[u8] {
        self.board.file()
    }

    /// Its RAM.
    #[must_use]
    pub fn ram(&self) -> &[u8] {
        self.board.ram()
    }

    /// What the firmware said before it ended itself.
    #[must_use]
    pub fn said(&self) -> &str {
        &self.board.said
    }

    /// Instructions since power came. One that IT passes over is one of them.
    #[must_use]
    pub fn instructions(&self) -> u64 {
        self.processor.count
    }

    /// Words that were written to the file since power came.
    #[must_use]
    pub fn words(&self) -> u64 {
        self.board.words
    }

    /// The instruction to come.
    #[must_use]
    pub fn pc(&self) -> u32 {
        self.processor.pc
    }

    /// R0 to R14, and the program counter.
    #[must_use]
    pub fn registers(&self) -> [u32; 16] {
        std::array::from_fn(|number| self.processor.register(number as u8))
    }

    /// N, Z, C and V.
    #[must_use]
    pub fn flags(&self) -> [bool; 4] {
        let (n, z, c, v, _) = self.processor.flags();
        [n, z, c, v]
    }

    /// Most bytes of stack since this was last asked.
    pub fn stack(&mut self) -> u32 {
        let (begin, _) = self.program.start();
        let most = begin - self.processor.lowest.min(begin);
        self.processor.lowest = self.processor.register(13);
        most
    }

    /// From now on power goes at a word of the file.
    pub fn cut(&mut self, cut: Cut) {
        self.board.cut = Some(cut);
    }

    /// Notes each word of the file from now on; gives those that were noted until now.
    pub fn note_words(&mut self) -> Vec<Written> {
        self.board.written.replace(Vec::new()).unwrap_or_default()
    }

    /// This moment.
    pub fn snapshot(&mut self) -> Snapshot {
        Snapshot { processor: self.processor.clone(), board: self.board.keep() }
    }

    /// Goes back to a moment of this chip or of a clone of it. Costs what has changed, where it is the one gone back to last.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        self.processor = snapshot.processor.clone();
        self.board.restore(&snapshot.board);
    }

    /// Hurts it at the instruction to come.
    ///
    /// # Errors
    /// [`Stop`] where the chip does not survive it.
    pub fn glitch(&mut self, glitch: Glitch) -> Result<(), Stop> {
        match glitch {
            Glitch::Skip(count) => {
                for _ in 0..count {
                    self.processor.skip(&self.program, &mut self.board)?;
                }
            }
            Glitch::Zero => self.processor.flip_zero(),
            Glitch::Opcode(bit) => {
                let [first, second] = self.program.halves(self.processor.pc);
                let (first, second) =
                    if bit < 16 { (first ^ 1 << bit, second) } else { (first, second ^ 1 << (bit & 15)) };
                let op = decode(self.processor.pc, first, second);
                self.processor.run(op, if is_wide(first) { 4 } else { 2 }, &mut self.board)?;
            }
            Glitch::Register(number, bit) => self.processor.flip(number, bit),
        }
        Ok(())
    }
}

/// A message as it goes over the line.
fn framed(message: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
    Zeroizing::new(length.to_be_bytes().into_iter().chain(message.iter().copied()).collect())
}

/// The one message that stands there, whole.
#[must_use]
pub fn answer(line: &[u8]) -> Option<&[u8]> {
    let (length, rest) = line.split_first_chunk()?;
    (usize::from(u16::from_be_bytes(*length)) == rest.len()).then_some(rest)
}
