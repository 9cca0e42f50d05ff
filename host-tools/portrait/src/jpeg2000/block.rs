//! Code-blocks: bit planes in three passes, each symbol with what its neighbours let expect. (ISO/IEC 15444-1 annex D)

use super::{
    mq::{Context, Encoder},
    subband::Kind,
};

/// A code-block, coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// Bit planes that are not empty.
    pub(super) planes: u32,
    /// Coding passes.
    pub(super) passes: u32,
    /// What they gave.
    pub(super) bytes: Vec<u8>,
}

/// Contexts by number: 0 to 8 significance, 9 to 13 sign, 14 to 16 refinement, then these. (tables D.1 to D.5)
const SIGN: usize = 9;
const REFINEMENT: usize = 14;
const RUN: usize = 17;
const UNIFORM: usize = 18;
/// Rows that are coded together, column by column.
const STRIPE: usize = 4;

/// Codes the coefficients of a block, row after row.
pub(super) fn encode(values: &[i32], width: usize, kind: Kind) -> Block {
    let largest = values.iter().map(|value| value.unsigned_abs()).max().unwrap_or(0);
    let planes = u32::BITS - largest.leading_zeros();
    if planes == 0 {
        return Block { planes: 0, passes: 0, bytes: Vec::new() };
    }
    let mut coder = Coder::new(values, width, kind);
    for plane in (0..planes).rev() {
        coder.plane = plane;
        if plane + 1 < planes {
            coder.significance();
            coder.refinement();
        }
        coder.clean_up();
    }
    Block { planes, passes: 3 * planes - 2, bytes: coder.encoder.finish() }
}

/// A coefficient, and what has been told about it.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    magnitude: u32,
    negative: bool,
    significant: bool,
    /// In this bit plane, by an earlier pass.
    done: bool,
    refined: bool,
}

struct Coder {
    /// With a border of nothing on all sides.
    cells: Vec<Cell>,
    width: usize,
    height: usize,
    kind: Kind,
    plane: u32,
    contexts: [Context; 19],
    encoder: Encoder,
}

impl Coder {
    fn new(values: &[i32], width: usize, kind: Kind) -> Self {
        let height = values.len() / width;
        let mut cells = vec![Cell::default(); (width + 2) * (height + 2)];
        for (i, value) in values.iter().enumerate() {
            let cell = &mut cells[(i / width + 1) * (width + 2) + i % width + 1];
            (cell.magnitude, cell.negative) = (value.unsigned_abs(), *value < 0);
        }
        let mut contexts = [Context::new(0); 19];
        (contexts[0], contexts[RUN], contexts[UNIFORM]) = (Context::new(4), Context::new(3), Context::new(46));
        Coder { cells, width, height, kind, plane: 0, contexts, encoder: Encoder::new() }
    }

    /// Tops of columns in stripes, in the order of coding, with their heights.
    fn columns(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (width, height) = (self.width, self.height);
        (0..height)
            .step_by(STRIPE)
            .flat_map(move |y| (0..width).map(move |x| ((y + 1) * (width + 2) + x + 1, STRIPE.min(height - y))))
    }

    /// Places in the order of coding.
    fn places(&self) -> impl Iterator<Item = usize> + use<> {
        let stride = self.width + 2;
        self.columns().flat_map(move |(top, rows)| (0..rows).map(move |row| top + row * stride))
    }

    fn put(&mut self, context: usize, symbol: bool) {
        self.encoder.put(&mut self.contexts[context], symbol);
    }

    /// The bit of a coefficient in this plane.
    fn bit(&self, at: usize) -> bool {
        self.cells[at].magnitude >> self.plane & 1 == 1
    }

    /// How many neighbours are significant: left and right, above and below, diagonally.
    fn neighbours(&self, at: usize) -> (usize, usize, usize) {
        let stride = self.width + 2;
        let count = |places: &[usize]| places.iter().filter(|place| self.cells[**place].significant).count();
        let (above, below) = (at - stride, at + stride);
        (count(&[at - 1, at + 1]), count(&[above, below]), count(&[above - 1, above + 1, below - 1, below + 1]))
    }

    /// Table D.1.
    fn significance_context(&self, at: usize) -> usize {
        let (across, down, diagonal) = self.neighbours(at);
        if self.kind == Kind::HH {
            return match (diagonal, across + down) {
                (3.., _) => 8,
                (2, 1..) => 7,
                (2, 0) => 6,
                (1, beside) => 3 + beside.min(2),
                (0, beside) => beside.min(2),
            };
        }
        let (first, second) = if self.kind == Kind::HL { (down, across) } else { (across, down) };
        match (first, second, diagonal) {
            (2.., _, _) => 8,
            (1, 1.., _) => 7,
            (1, 0, 1..) => 6,
            (1, 0, 0) => 5,
            (0, 1.., _) => 2 + second,
            (0, 0, _) => diagonal.min(2),
        }
    }

    /// Tells the sign of a coefficient that has become significant. (tables D.2 and D.3)
    fn sign(&mut self, at: usize) {
        let stride = self.width + 2;
        let sign = |place: usize| match self.cells[place] {
            Cell { significant: false, .. } => 0,
            Cell { negative, .. } => 1 - 2 * i32::from(negative),
        };
        let across = (sign(at - 1) + sign(at + 1)).clamp(-1, 1);
        let down = (sign(at - stride) + sign(at + stride)).clamp(-1, 1);
        let flipped = (across, down) < (0, 0);
        let context = match (across.abs(), if flipped { -down } else { down }) {
            (0, down) => SIGN + usize::from(down != 0),
            (_, -1) => SIGN + 2,
            (_, 0) => SIGN + 3,
            _ => SIGN + 4,
        };
        self.put(context, self.cells[at].negative != flipped);
        self.cells[at].significant = true;
    }

    /// What is likely to become significant, because a neighbour is.
    fn significance(&mut self) {
        for at in self.places() {
            let context = self.significance_context(at);
            if self.cells[at].significant || context == 0 {
                continue;
            }
            self.put(context, self.bit(at));
            if self.bit(at) {
                self.sign(at);
            }
            self.cells[at].done = true;
        }
    }

    /// The next bit of what is significant already. (table D.4)
    fn refinement(&mut self) {
        for at in self.places() {
            let Cell { significant, done, refined, .. } = self.cells[at];
            if !significant || done {
                continue;
            }
            let context = match (refined, self.neighbours(at)) {
                (true, _) => REFINEMENT + 2,
                (false, (0, 0, 0)) => REFINEMENT,
                (false, _) => REFINEMENT + 1,
            };
            self.put(context, self.bit(at));
            self.cells[at].refined = true;
        }
    }

    /// Everything else, whole columns at once where nothing is expected. (D.3.4)
    fn clean_up(&mut self) {
        let stride = self.width + 2;
        for (top, rows) in self.columns() {
            let mut row = 0;
            if rows == STRIPE && (0..rows).all(|row| self.is_quiet(top + row * stride)) {
                let Some(first) = (0..rows).find(|row| self.bit(top + row * stride)) else {
                    self.put(RUN, false);
                    continue;
                };
                self.put(RUN, true);
                self.put(UNIFORM, first & 2 != 0);
                self.put(UNIFORM, first & 1 != 0);
                self.sign(top + first * stride);
                row = first + 1;
            }
            for at in (row..rows).map(|row| top + row * stride) {
                if !self.cells[at].significant && !self.cells[at].done {
                    self.put(self.significance_context(at), self.bit(at));
                    if self.bit(at) {
                        self.sign(at);
                    }
                }
            }
        }
        for cell in &mut self.cells {
            cell.done = false;
        }
    }

    fn is_quiet(&self, at: usize) -> bool {
        !self.cells[at].significant && !self.cells[at].done && self.neighbours(at) == (0, 0, 0)
    }
}
