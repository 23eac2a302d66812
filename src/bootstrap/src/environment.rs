//! Environment variables as a value, so that a test can remove a tool or replace it by a fake one.

use crate::errors::Trouble;
use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::Command,
};

#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
    /// Free bytes on the disk of a folder; `None` if unknown.
    free_space: Option<fn(&Path) -> Option<u64>>,
}

impl Environment {
    pub fn of_process() -> Self {
        Self { variables: env::vars_os().collect(), free_space: Some(free_space) }
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    pub fn free_space(&self, folder: &Path) -> Option<u64> {
        self.free_space.and_then(|measure| measure(folder))
    }

    /// The path of a program on `PATH`.
    pub fn program(&self, name: impl AsRef<OsStr>) -> Option<PathBuf> {
        let name = Path::new(name.as_ref());
        if name.components().count() > 1 {
            return is_program(name).then(|| name.to_owned());
        }
        env::split_paths(self.get("PATH")?).map(|folder| folder.join(name)).find(|path| is_program(path))
    }

    /// A command that gets these variables and no others.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.variables);
        command
    }

    /// A C++ compiler, which torch-sys needs: `CXX`, else `c++`.
    pub fn compiler(&self) -> Result<PathBuf, Trouble> {
        let name = self.get("CXX").and_then(OsStr::to_str).and_then(|line| line.split_whitespace().next());
        let name = name.unwrap_or("c++");
        self.program(name).ok_or_else(|| Trouble::NoCompiler { name: name.into() })
    }

    pub fn cargo(&self) -> PathBuf {
        self.get("CARGO").map_or_else(|| "cargo".into(), PathBuf::from)
    }

    /// The same without the variables that `cargo run` sets for this program. Build scripts watch some of them: left in
    /// place, they would rebuild crates, and LibTorch's bindings take minutes.
    pub fn for_cargo(mut self, drop_libtorch: bool) -> Self {
        let set_by_cargo = |name: &OsStr| {
            let name = name.to_string_lossy();
            name.starts_with("CARGO_PKG_")
                || name.starts_with("CARGO_MANIFEST_")
                || (name == "LIBTORCH" && drop_libtorch)
        };
        self.variables.retain(|name, _| !set_by_cargo(name));
        self
    }

    #[cfg(test)]
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    #[cfg(test)]
    pub fn with_free_space(mut self, measure: fn(&Path) -> Option<u64>) -> Self {
        self.free_space = Some(measure);
        self
    }
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

fn free_space(folder: &Path) -> Option<u64> {
    let data = rustix::fs::statvfs(folder).ok()?;
    data.f_bavail.checked_mul(data.f_frsize)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use std::{fs, io, os::unix::fs::PermissionsExt};

    /// Writes a shell script in place of a program. A fork in another test may have the file open for writing for a
    /// moment, in which starting it is refused, so it is started once, until that succeeds.
    pub fn write_program(path: &Path, script: &str) {
        fs::write(path, format!("#!/bin/sh\n{script}")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        let busy = |error: io::Error| error.kind() == io::ErrorKind::ExecutableFileBusy;
        while Command::new(path).args(["-m", "pip", "--version"]).env_clear().output().is_err_and(busy) {}
    }

    #[test]
    fn a_missing_compiler_is_named_with_the_remedy() {
        let nowhere = Environment::default().with("PATH", "/nonexistent");
        let message = nowhere.compiler().unwrap_err().to_string();
        assert!(message.contains("`c++`") && message.contains("g++"), "{message}");
        let message = nowhere.with("CXX", "ccache my-c++").compiler().unwrap_err().to_string();
        assert!(message.contains("`ccache`"), "{message}");
    }

    #[test]
    fn cargo_sees_nothing_that_would_rebuild_crates() {
        let environment = Environment::default()
            .with("CARGO_PKG_NAME", "relu-bootstrap")
            .with("CARGO_MANIFEST_DIR", "/x")
            .with("CARGO_HOME", "/home")
            .with("LIBTORCH", "/x/target/libtorch");
        let plain = environment.clone().for_cargo(true);
        assert_eq!(plain.variables.into_keys().collect::<Vec<_>>(), ["CARGO_HOME"]);
        assert!(environment.for_cargo(false).get("LIBTORCH").is_some());
    }
}
