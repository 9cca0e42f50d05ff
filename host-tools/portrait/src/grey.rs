//! Pictures in 256 shades.

/// One byte a point, 0 black to 255 white.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grey {
    width: usize,
    height: usize,
    points: Vec<u8>,
}

impl Grey {
    /// Paints each point.
    #[must_use]
    pub fn paint(width: usize, height: usize, mut shade: impl FnMut(usize, usize) -> u8) -> Self {
        let points = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| shade(x, y)).collect();
        Grey { width, height, points }
    }

    /// Points across.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Points down.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Row after row from the top.
    #[must_use]
    pub fn points(&self) -> &[u8] {
        &self.points
    }
}
