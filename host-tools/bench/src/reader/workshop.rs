//! What the rows are made of: compiled C, a world with cards in it, folders.

use crate::error::{BenchError, Trouble};
use std::{
    cell::{Cell, OnceCell},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What is compiled, and what it is linked with.
const SOURCES: [(&str, &str, Option<&str>); 4] = [
    ("client", include_str!("../../../../benches/rivals/client.c"), Some("-lpcsclite")),
    ("watcher", include_str!("../../../../benches/rivals/watcher.c"), Some("-lpcsclite")),
    ("server", include_str!("../../../../benches/rivals/server.c"), None),
    ("card", include_str!("../../../../benches/rivals/card.c"), None),
];

/// Where Debian and others have the driver of vpcd.
const VPCD: [&str; 3] = [
    "/usr/lib/pcsc/drivers/serial/libifdvpcd.so",
    "/usr/lib/x86_64-linux-gnu/pcsc/drivers/serial/libifdvpcd.so",
    "/usr/lib/aarch64-linux-gnu/pcsc/drivers/serial/libifdvpcd.so",
];

/// A temporary folder with everything in it.
pub(super) struct Workshop {
    folder: tempfile::TempDir,
    program: PathBuf,
    world: OnceCell<PathBuf>,
    folders: Cell<u32>,
    /// The driver of vpcd.
    pub(super) vpcd: &'static str,
    /// Our IFD handler, where it was built.
    pub(super) handler: Option<PathBuf>,
}

impl Workshop {
    /// Looks for what is needed, and compiles.
    pub(super) fn new(program: &Path) -> Result<Workshop, BenchError> {
        let missing = |what, package| BenchError::Missing { what, package };
        let runs = |program: &str| {
            let mut version = Command::new(program);
            version.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            version.status().is_ok_and(|status| status.success())
        };
        if !runs("cc") {
            return Err(missing("the C compiler cc", "gcc"));
        }
        if !runs("pcscd") {
            return Err(missing("pcscd", "pcscd"));
        }
        let vpcd = VPCD.into_iter().find(|path| Path::new(path).exists());
        let vpcd = vpcd.ok_or_else(|| missing("libifdvpcd.so, the driver of vpcd,", "vsmartcard-vpcd"))?;
        let folder = tempfile::tempdir().map_err(|error| BenchError::Io("a temporary folder".into(), error))?;
        for (name, source, library) in SOURCES {
            compile(folder.path(), name, source, library)?;
        }
        let handler = Some(program.with_file_name("libjitsuin_ifd.so")).filter(|library| library.exists());
        let (world, folders) = (OnceCell::new(), Cell::new(0));
        Ok(Workshop { folder, program: program.into(), world, folders, vpcd, handler })
    }

    /// A program of `benches/rivals`.
    pub(super) fn built(&self, name: &str) -> Command {
        Command::new(self.folder.path().join(name))
    }

    /// An empty folder.
    pub(super) fn folder(&self) -> Result<PathBuf, Trouble> {
        self.folders.set(self.folders.get() + 1);
        let path = self.folder.path().join(self.folders.get().to_string());
        fs::create_dir(&path).map_err(Trouble::failed)?;
        Ok(path)
    }

    /// `jitsuin serve` of a newly issued card.
    pub(super) fn serve(&self) -> Result<Command, Trouble> {
        let world = match self.world.get() {
            Some(world) => world,
            None => {
                let path = self.folder.path().join("world");
                self.jitsuin("new", &path)?;
                self.world.get_or_init(|| path)
            }
        };
        let said = self.jitsuin("issue", world)?;
        let card = said.lines().last().unwrap_or_default();
        let mut command = self.command("serve", world);
        command.arg(card);
        Ok(command)
    }

    fn jitsuin(&self, command: &str, world: &Path) -> Result<String, Trouble> {
        let output = self.command(command, world).output().map_err(Trouble::failed)?;
        if !output.status.success() {
            return Err(Trouble::Failed(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn command(&self, name: &str, world: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(name).arg(world).env_remove("JITSUIN_PASSPHRASE").stdin(Stdio::null());
        command
    }
}

fn compile(folder: &Path, name: &str, source: &str, library: Option<&str>) -> Result<(), BenchError> {
    let file = folder.join(format!("{name}.c"));
    let io = |error| BenchError::Io(format!("{name}.c"), error);
    fs::write(&file, source).map_err(io)?;
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-I/usr/include/PCSC", "-I/usr/local/include/PCSC", "-o"]).arg(folder.join(name)).arg(&file);
    let output = cc.args(library).output().map_err(io)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    if library.is_some() && (said.contains("winscard.h") || said.contains("lpcsclite")) {
        return Err(BenchError::Missing { what: "libpcsclite with its headers", package: "libpcsclite-dev" });
    }
    Err(BenchError::Choice(format!("cc does not compile {name}.c: {said}")))
}
