//! The server: sockets at their paths, open until it is dropped.

use super::{
    hub::{Door, Hub},
    readers::{Port, Readers},
};
use crate::slot::Slot;
use std::{
    fs, io,
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::Arc,
};

/// Longest path of a Unix socket, in bytes.
pub const PATH_MAX: usize = 107;

/// Where libpcsclite looks when no variable tells it otherwise, as Debian and most others compile it.
pub const SYSTEM_PATH: &str = "/run/pcscd/pcscd.comm";

/// Mode of a socket for its owner alone, and of one for every user of the machine.
const PRIVATE: u32 = 0o600;
const PUBLIC: u32 = 0o666;

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Unix sockets have short names.
    #[error("{}: {} bytes are too long for a Unix socket, the limit is {PATH_MAX} less some for its temporary name; choose a shorter path such as /tmp/jitsuin/pcsc", path.display(), path.as_os_str().len())]
    TooLong {
        /// The path.
        path: PathBuf,
    },
    /// A live server.
    #[error("{}: another server answers there; stop it or choose another path", .0.display())]
    InUse(PathBuf),
    /// Not ours to remove.
    #[error("{}: exists and is not a socket; choose another path", .0.display())]
    NotASocket(PathBuf),
    /// No folder.
    #[error("{}: its folder cannot be written ({error}); make the folder or choose another path", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// What the operating system said.
        error: io::Error,
    },
}

/// One socket to be opened.
#[derive(Debug)]
pub struct Socket {
    /// Where.
    pub path: PathBuf,
    /// The readers that its clients see.
    pub ports: Vec<Port>,
    /// Open to every user of this machine, and not to its owner alone.
    pub public: bool,
}

/// PC/SC sockets; dropping it stops them, after the commands under way.
pub struct Server {
    hub: Arc<Hub>,
    paths: Vec<PathBuf>,
}

impl Server {
    /// Listens at `path` for clients of these slots. The socket has mode 0600 from the moment it can be found.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn bind(path: &Path, slots: Vec<Arc<Slot>>) -> Result<Server, BindError> {
        let ports = slots.into_iter().map(Port::from).collect();
        Server::open(vec![Socket { path: path.into(), ports, public: false }])
    }

    /// Listens at several paths, with the same few threads for all.
    ///
    /// # Errors
    /// [`BindError`]; none is open then.
    pub fn open(sockets: Vec<Socket>) -> Result<Server, BindError> {
        more_descriptors();
        let mut bound = Bound(Vec::with_capacity(sockets.len()));
        let mut doors = Vec::with_capacity(sockets.len());
        for Socket { path, ports, public } in sockets {
            let listener = listen(&path, if public { PUBLIC } else { PRIVATE })?;
            bound.0.push(path);
            doors.push(Door { listener, readers: Readers::new(ports) });
        }
        let place = bound.0.first().cloned().unwrap_or_default();
        let hub = Hub::start(doors).map_err(|error| BindError::Io { path: place, error })?;
        Ok(Server { hub, paths: std::mem::take(&mut bound.0) })
    }

    /// Where it listens: the first of its paths.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.paths.first().map_or(Path::new(""), PathBuf::as_path)
    }

    /// Where it listens.
    #[must_use]
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Threads and clients now.
    #[must_use]
    pub fn load(&self) -> (usize, usize) {
        self.hub.load()
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.path().display())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody new finds the way while the others are let go.
        remove(&self.paths);
        self.hub.stop();
    }
}

/// Listens at `path` for its owner alone, as a PC/SC socket does: for what lies beside one.
///
/// # Errors
/// [`BindError`].
pub fn private_listener(path: &Path) -> Result<UnixListener, BindError> {
    listen(path, PRIVATE)
}

/// Sockets that are removed again unless all went well.
struct Bound(Vec<PathBuf>);

impl Drop for Bound {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

fn remove(paths: &[PathBuf]) {
    for path in paths {
        let _ = fs::remove_file(path);
    }
}

/// A descriptor a client: as many as this process may have without asking anybody.
fn more_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where that is not allowed, fewer clients fit.
    let _ = setrlimit(Resource::Nofile, limit);
}

/// Binds in a private folder, sets the mode, and only then moves the socket to its place.
fn listen(path: &Path, mode: u32) -> Result<UnixListener, BindError> {
    let io = |error| BindError::Io { path: path.into(), error };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let private = parent.join(format!(".j{:x}", std::process::id()));
    let temporary = private.join("s");
    if path.as_os_str().len() > PATH_MAX || temporary.as_os_str().len() > PATH_MAX {
        return Err(BindError::TooLong { path: path.into() });
    }
    if let Ok(metadata) = fs::symlink_metadata(path) {
        if !metadata.file_type().is_socket() {
            return Err(BindError::NotASocket(path.into()));
        }
        if UnixStream::connect(path).is_ok() {
            return Err(BindError::InUse(path.into()));
        }
        fs::remove_file(path).map_err(io)?;
    }
    let _ = fs::remove_dir_all(&private);
    fs::DirBuilder::new().mode(0o700).create(&private).map_err(io)?;
    let bound = UnixListener::bind(&temporary).and_then(|listener| {
        fs::set_permissions(&temporary, fs::Permissions::from_mode(mode))?;
        fs::rename(&temporary, path)?;
        Ok(listener)
    });
    let _ = fs::remove_dir_all(&private);
    bound.map_err(io)
}
