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

    /// As PNG, eight bits of grey a point.
    #[must_use]
    pub fn png(&self) -> Vec<u8> {
        // Into memory, of points that are there: nothing of it fails.
        self.encode().unwrap_or_default()
    }

    fn encode(&self) -> Result<Vec<u8>, png::EncodingError> {
        let (width, height) = (u32::try_from(self.width), u32::try_from(self.height));
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, width.unwrap_or(u32::MAX), height.unwrap_or(u32::MAX));
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_filter(png::Filter::Adaptive);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.points)?;
        writer.finish()?;
        Ok(out)
    }
}
