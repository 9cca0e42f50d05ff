//! Pictures of ink on paper, and their PNG.

/// One bit a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitmap {
    width: usize,
    height: usize,
    ink: Vec<bool>,
}

impl Bitmap {
    /// Blank paper.
    #[must_use]
    pub fn new(width: usize, height: usize) -> Self {
        Bitmap { width, height, ink: vec![false; width * height] }
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

    /// Whether there is ink; outside there is none.
    #[must_use]
    pub fn is_ink(&self, x: usize, y: usize) -> bool {
        x < self.width && self.ink.get(y * self.width + x).is_some_and(|ink| *ink)
    }

    /// Puts ink on a point; outside nothing happens.
    pub fn put(&mut self, x: usize, y: usize) {
        if x < self.width
            && let Some(ink) = self.ink.get_mut(y * self.width + x)
        {
            *ink = true;
        }
    }

    /// As PNG: one bit of grey a point, ink black. The smallest of what the filters give.
    #[must_use]
    pub fn png(&self) -> Vec<u8> {
        let filters = [png::Filter::NoFilter, png::Filter::Sub, png::Filter::Up, png::Filter::Paeth];
        let encoded = filters.into_iter().filter_map(|filter| self.encode(filter).ok());
        encoded.min_by_key(Vec::len).unwrap_or_default()
    }

    fn encode(&self, filter: png::Filter) -> Result<Vec<u8>, png::EncodingError> {
        let (width, height) = (u32::try_from(self.width), u32::try_from(self.height));
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, width.unwrap_or(u32::MAX), height.unwrap_or(u32::MAX));
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        encoder.set_deflate_compression(png::DeflateCompression::Level(9));
        encoder.set_filter(filter);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rows())?;
        writer.finish()?;
        Ok(out)
    }

    /// Rows as PNG has them: 1 is white, the last byte of a row filled with white.
    fn rows(&self) -> Vec<u8> {
        let row = |row: &[bool]| {
            let byte = |points: &[bool]| {
                (0..8).fold(0u8, |byte, i| byte << 1 | u8::from(!points.get(i).is_some_and(|ink| *ink)))
            };
            row.chunks(8).map(byte).collect::<Vec<u8>>()
        };
        self.ink.chunks(self.width.max(1)).flat_map(row).collect()
    }
}
