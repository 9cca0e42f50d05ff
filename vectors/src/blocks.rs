//! Files of blocks: a first line `kind | name`, then lines `field | hexadecimal`; blocks stand apart by empty lines, and lines
//! that begin with `#` say where the data comes from.

/// One block.
#[derive(Debug)]
pub struct Block {
    /// What sort of data it holds.
    pub kind: String,
    /// Its fields, in the order of the file.
    pub fields: Vec<(String, Vec<u8>)>,
}

impl Block {
    /// The first field of this name.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn get(&self, field: &str) -> &[u8] {
        &self.fields.iter().find(|(name, _)| name == field).unwrap_or_else(|| panic!("{}: {field}", self.kind)).1
    }

    /// The first field of this name, which has exactly this length.
    ///
    /// # Panics
    /// Where there is none, or it has another length.
    #[must_use]
    pub fn array<const L: usize>(&self, field: &str) -> [u8; L] {
        self.get(field).try_into().unwrap_or_else(|_| panic!("{}: {field} has not {L} bytes", self.kind))
    }
}

/// All blocks of a kind in a file of this crate's `data` folder.
///
/// # Panics
/// Where the file breaks the form.
#[must_use]
pub fn blocks(file: &str, kind: &str) -> Vec<Block> {
    let text = crate::text(file);
    let lines = text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>();
    let blocks = lines.split(|line| line.is_empty()).filter(|lines| !lines.is_empty()).map(block);
    blocks.filter(|block| block.kind == kind).collect()
}

fn block(lines: &[&str]) -> Block {
    let pair = |line: &str| line.split_once(" | ").map(|(a, b)| (a.to_owned(), b.to_owned())).expect("two columns");
    let fields = lines[1..].iter().map(|line| pair(line));
    let fields = fields.map(|(name, value)| (name, hex::decode(value).expect("hexadecimal"))).collect();
    Block { kind: pair(lines[0]).0, fields }
}
