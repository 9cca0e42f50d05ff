//! Card images: the memory of a card in a file.
//!
//! ```text
//! "JITSUIN CARD" (12) | format version (4) | memory size (4) | memory | SHA-256 of everything before
//! ```
//!
//! A save replaces the file as a whole: a temporary file beside it is written, synchronised and renamed, so a crash leaves
//! the old image or the new one. The file is the card's key store: mode 0600. While a process has an image open it holds a
//! lock beside it, because two readers cannot hold one card.

use crate::nvm::{Flash, SIZE_MAX};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

const MAGIC: &[u8; 12] = b"JITSUIN CARD";
const VERSION: u32 = 1;
const HEADER: usize = 20;
const CHECKSUM: usize = 32;

/// Why an image cannot be used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The operating system said no.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// Another process has the card.
    #[error("{}: another process has this card in its reader; stop it (often `jitsuin serve`) and try again", .0.display())]
    InUse(PathBuf),
    /// Not one of ours.
    #[error("{}: not a card image; a card lives in the file card.img of its folder", .0.display())]
    Foreign(PathBuf),
    /// Written by another version.
    #[error("{}: card image of format {found}, this program reads format {VERSION}; use the version that wrote it, or issue a new card", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// Length or checksum is wrong.
    #[error("{}: the card image is damaged ({what}); put back a copy of it, or issue a new card", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
}

/// An open image, locked against other processes until it is dropped.
#[derive(Debug)]
pub struct Image {
    path: PathBuf,
    saved: (u64, u64),
    _lock: File,
}

impl Image {
    /// Makes a new image; refuses to replace one.
    ///
    /// # Errors
    /// [`ImageError::Io`] with `AlreadyExists`, and others.
    pub fn create(path: &Path, flash: &Flash) -> Result<Self, ImageError> {
        if path.exists() {
            return Err(ImageError::Io { path: path.into(), error: io::ErrorKind::AlreadyExists.into() });
        }
        let mut image = Image { path: path.into(), saved: (u64::MAX, u64::MAX), _lock: lock(path)? };
        image.save(flash)?;
        Ok(image)
    }

    /// Opens and checks an image.
    ///
    /// # Errors
    /// [`ImageError`] says what to do.
    pub fn open(path: &Path) -> Result<(Self, Flash), ImageError> {
        let io = |error| ImageError::Io { path: path.into(), error };
        if !path.exists() {
            return Err(io(io::ErrorKind::NotFound.into()));
        }
        let lock = lock(path)?;
        let limit = (SIZE_MAX + HEADER + CHECKSUM + 1) as u64;
        let file = File::open(path).map_err(io)?;
        // One byte more than there is: a buffer that grows leaves its keys and PINs where it was.
        let room = file.metadata().map_err(io)?.len().min(limit) + 1;
        let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(room).unwrap_or(SIZE_MAX)));
        file.take(limit).read_to_end(&mut bytes).map_err(io)?;
        let flash = parse(path, &bytes)?;
        Ok((Image { path: path.into(), saved: flash.wear(), _lock: lock }, flash))
    }

    /// Writes the memory where it changed since the last save. Durable when it returns.
    ///
    /// # Errors
    /// [`ImageError::Io`]; the file then holds what it held before.
    pub fn save(&mut self, flash: &Flash) -> Result<(), ImageError> {
        if flash.wear() == self.saved { Ok(()) } else { self.save_all(flash) }
    }

    /// Writes the memory, whatever was saved before: for one that is another's, whose wear says nothing.
    ///
    /// # Errors
    /// As [`Image::save`].
    pub fn save_all(&mut self, flash: &Flash) -> Result<(), ImageError> {
        let size = u32::try_from(flash.bytes().len()).unwrap_or(u32::MAX);
        let mut bytes = Zeroizing::new(Vec::with_capacity(HEADER + flash.bytes().len() + CHECKSUM));
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_be_bytes());
        bytes.extend_from_slice(&size.to_be_bytes());
        bytes.extend_from_slice(flash.bytes());
        let checksum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&checksum);
        replace(&self.path, &bytes).map_err(|error| ImageError::Io { path: self.path.clone(), error })?;
        self.saved = flash.wear();
        Ok(())
    }
}

/// The memory in the bytes of an image; `path` is for messages.
///
/// # Errors
/// [`ImageError`] but for its `Io` and `InUse`.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Flash, ImageError> {
    let damaged = |what| ImageError::Damaged { path: path.into(), what };
    let Some((magic, rest)) = bytes.split_first_chunk::<12>() else { return Err(ImageError::Foreign(path.into())) };
    if magic != MAGIC {
        return Err(ImageError::Foreign(path.into()));
    }
    let (version, rest) = rest.split_first_chunk::<4>().ok_or_else(|| damaged("cut off"))?;
    if u32::from_be_bytes(*version) != VERSION {
        return Err(ImageError::Version { path: path.into(), found: u32::from_be_bytes(*version) });
    }
    let (size, rest) = rest.split_first_chunk::<4>().ok_or_else(|| damaged("cut off"))?;
    let (memory, checksum) = rest.split_last_chunk::<CHECKSUM>().ok_or_else(|| damaged("cut off"))?;
    if memory.len() as u64 != u64::from(u32::from_be_bytes(*size)) {
        return Err(damaged("wrong length"));
    }
    if Sha256::digest(&bytes[..bytes.len() - CHECKSUM])[..] != checksum[..] {
        return Err(damaged("wrong checksum"));
    }
    Flash::from_bytes(memory.to_vec()).ok_or_else(|| damaged("impossible size"))
}

/// Takes the lock beside the image.
fn lock(path: &Path) -> Result<File, ImageError> {
    let beside = path.with_extension("lock");
    let io = |error| ImageError::Io { path: beside.clone(), error };
    let file = private(OpenOptions::new().create(true).truncate(false)).open(&beside).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ImageError::InUse(path.into())),
        Err(TryLockError::Error(error)) => Err(io(error)),
    }
}

/// Replaces a file as a whole, durably, with mode 0600 from its first moment.
///
/// # Errors
/// Of the operating system; the file is then as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    // One left by a crash may have any mode.
    let _ = fs::remove_file(&temporary);
    let mut file = private(OpenOptions::new().create_new(true)).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?.sync_all()
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.write(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nvm::PAGE;
    use card_os::platform::Nvm;

    fn sample() -> (tempfile::TempDir, PathBuf, Flash) {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("card.img");
        let mut flash = Flash::new(4 * PAGE);
        flash.write(16, &[1, 2, 3, 4]).expect("writes");
        drop(Image::create(&path, &flash).expect("creates"));
        (folder, path, flash)
    }

    #[test]
    fn what_is_saved_is_opened() {
        let (_folder, path, mut flash) = sample();
        let (mut image, opened) = Image::open(&path).expect("opens");
        assert_eq!(opened.bytes(), flash.bytes());
        flash.write(64, &[9; 4]).expect("writes");
        image.save(&flash).expect("saves");
        drop(image);
        assert_eq!(Image::open(&path).expect("opens").1.bytes(), flash.bytes());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, path, _) = sample();
        assert_eq!(fs::metadata(&path).expect("metadata").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn every_damaged_byte_is_noticed() {
        let (_folder, path, _) = sample();
        let good = fs::read(&path).expect("reads");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            let error = parse(&path, &bad).expect_err("noticed");
            match at {
                0..12 => assert!(matches!(error, ImageError::Foreign(_)), "{at}: {error}"),
                12..16 => assert!(matches!(error, ImageError::Version { .. }), "{at}: {error}"),
                _ => assert!(matches!(error, ImageError::Damaged { .. }), "{at}: {error}"),
            }
        }
        for length in 0..good.len() {
            assert!(parse(&path, &good[..length]).is_err(), "cut to {length}");
        }
        assert!(parse(&path, &[good.as_slice(), b"x"].concat()).is_err(), "too long");
    }

    #[test]
    fn one_process_at_a_time() {
        let (_folder, path, _) = sample();
        let (held, _) = Image::open(&path).expect("opens");
        assert!(matches!(Image::open(&path), Err(ImageError::InUse(_))));
        drop(held);
        assert!(Image::open(&path).is_ok());
    }

    #[test]
    fn an_unchanged_card_costs_no_write() {
        let (_folder, path, _) = sample();
        let (mut image, flash) = Image::open(&path).expect("opens");
        fs::remove_file(&path).expect("removes");
        image.save(&flash).expect("saves nothing");
        assert!(!path.exists());
    }

    #[test]
    fn a_missing_image_is_told_so() {
        let folder = tempfile::tempdir().expect("folder");
        assert!(matches!(Image::open(&folder.path().join("none")), Err(ImageError::Io { .. })));
    }
}
