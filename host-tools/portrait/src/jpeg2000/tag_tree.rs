//! Tag trees: a table of small numbers, told as minima of larger and larger squares. (ISO/IEC 15444-1 B.10.2)

use super::packet::Bits;

#[derive(Debug)]
struct Node {
    value: u32,
    /// What is told already: that the value is at least this, or exactly.
    least: u32,
    known: bool,
}

/// A tree over a table.
#[derive(Debug)]
pub(super) struct TagTree {
    /// From the leaves to the root, each with its width.
    levels: Vec<(usize, Vec<Node>)>,
}

impl TagTree {
    /// Of a table, row after row.
    pub(super) fn new(width: usize, height: usize, values: &[u32]) -> Self {
        let node = |value| Node { value, least: 0, known: false };
        let mut levels = vec![(width, values.iter().copied().map(node).collect::<Vec<_>>())];
        let (mut width, mut height) = (width, height);
        while width * height > 1 {
            let (below_width, below) = (width, &levels[levels.len() - 1].1);
            (width, height) = (width.div_ceil(2), height.div_ceil(2));
            let mut smallest = vec![u32::MAX; width * height];
            for (i, node) in below.iter().enumerate() {
                let place = &mut smallest[i / below_width / 2 * width + i % below_width / 2];
                *place = node.value.min(*place);
            }
            levels.push((width, smallest.into_iter().map(node).collect()));
        }
        TagTree { levels }
    }

    /// Tells whether the number at a place is below a threshold, and if it is, the number.
    pub(super) fn tell(&mut self, x: usize, y: usize, threshold: u32, bits: &mut Bits) {
        let mut least = 0;
        for (level, (width, nodes)) in self.levels.iter_mut().enumerate().rev() {
            let node = &mut nodes[(y >> level) * *width + (x >> level)];
            least = node.least.max(least);
            while least < threshold && !node.known {
                node.known = least >= node.value;
                bits.put(u32::from(node.known), 1);
                least += u32::from(!node.known);
            }
            node.least = least;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of B.10.2: a table of six by three, its first numbers 1, 3, 2, 3.
    #[test]
    fn the_example_of_the_standard() {
        let values = [1, 3, 2, 3, 2, 3, 2, 2, 1, 4, 3, 2, 2, 2, 2, 2, 1, 2];
        let mut tree = TagTree::new(6, 3, &values);
        let mut told = Vec::new();
        for x in 0..3 {
            let mut bits = Bits::default();
            tree.tell(x, 0, u32::MAX, &mut bits);
            told.push(bits.text());
        }
        assert_eq!(told, ["01111", "001", "101"]);
    }
}
