//! Where LibTorch is: the user's own, or the cache folder that all checkouts share, linked at `target/libtorch`.

use crate::{environment::Environment, errors::Trouble, platform};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// `$XDG_CACHE_HOME/relu-notebook`, else `~/.cache/relu-notebook`.
pub fn cache(environment: &Environment) -> Result<PathBuf, Trouble> {
    let absolute = |name| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    base.map(|base| base.join("relu-notebook")).ok_or(Trouble::NoHome)
}

/// The user's own LibTorch: a `LIBTORCH` other than what `.cargo/config.toml` sets, or a real folder at the link's
/// path.
pub fn own_libtorch(link: &Path, environment: &Environment) -> Option<PathBuf> {
    let set = environment.get("LIBTORCH").map(PathBuf::from).filter(|path| path != link);
    set.or_else(|| fs::symlink_metadata(link).is_ok_and(|data| data.is_dir()).then(|| link.to_owned()))
}

/// Whether the user's own LibTorch is usable: its files exist and its version is the one that tch expects.
pub fn check_own(folder: &Path, environment: &Environment) -> Result<(), Trouble> {
    let refuse = |why: String| Err(Trouble::OwnLibtorch { folder: folder.to_owned(), why });
    if !folder.is_absolute() {
        return refuse("its path is relative, and build scripts run in folders of their own".into());
    }
    let library = if cfg!(target_os = "macos") { "lib/libtorch_cpu.dylib" } else { "lib/libtorch_cpu.so" };
    for part in ["include/torch", library] {
        if !folder.join(part).exists() {
            return refuse(format!("it has no {part}"));
        }
    }
    // torch-sys has the same variable to skip this check.
    if environment.get("LIBTORCH_BYPASS_VERSION_CHECK").is_some() {
        return Ok(());
    }
    match version(folder) {
        Some(found) if found == platform::VERSION => Ok(()),
        Some(found) => refuse(format!("it is version {found}, and {} is needed", platform::VERSION)),
        None => refuse("its version can't be read from include/torch".into()),
    }
}

/// From `build-version` in the zip distribution, else from the header.
fn version(folder: &Path) -> Option<String> {
    if let Ok(text) = fs::read_to_string(folder.join("build-version")) {
        return text.trim().split('+').next().map(str::to_owned);
    }
    let headers = ["include/torch/headeronly/version.h", "include/torch/csrc/api/include/torch/version.h"];
    headers.iter().filter_map(|name| fs::read_to_string(folder.join(name)).ok()).find_map(|text| {
        let number = |part: &str| {
            let start = format!("#define TORCH_VERSION_{part} ");
            text.lines().find_map(|line| line.strip_prefix(&start)?.trim().parse::<u32>().ok())
        };
        Some(format!("{}.{}.{}", number("MAJOR")?, number("MINOR")?, number("PATCH")?))
    })
}

/// Makes `link` point to `folder`, unless it does already.
pub fn link(link: &Path, folder: &Path) -> Result<(), Trouble> {
    if fs::read_link(link).is_ok_and(|target| target == folder) {
        return Ok(());
    }
    let target = link.parent().unwrap_or(link);
    fs::create_dir_all(target).map_err(Trouble::files("make", target))?;
    // Created beside it and renamed into place, so that a build in another terminal always finds it.
    let aside = target.join(format!("libtorch.{}", std::process::id()));
    match fs::remove_file(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Trouble::files("delete", &aside)(error)),
        _ => {}
    }
    std::os::unix::fs::symlink(folder, &aside).map_err(Trouble::files("link", &aside))?;
    fs::rename(&aside, link).map_err(Trouble::files("link", link))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn libtorch(folder: &Path, minor: u32) {
        fs::create_dir_all(folder.join("include/torch/headeronly")).unwrap();
        fs::create_dir_all(folder.join("lib")).unwrap();
        fs::write(folder.join("lib/libtorch_cpu.so"), "").unwrap();
        fs::write(folder.join("lib/libtorch_cpu.dylib"), "").unwrap();
        let header = format!(
            "#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR {minor}\n#define TORCH_VERSION_PATCH 0\n"
        );
        fs::write(folder.join("include/torch/headeronly/version.h"), header).unwrap();
    }

    #[test]
    fn the_cache_follows_xdg_and_needs_an_absolute_path() {
        let home = Environment::default().with("HOME", "/home/ada");
        assert_eq!(cache(&home).unwrap(), Path::new("/home/ada/.cache/relu-notebook"));
        assert_eq!(cache(&home.with("XDG_CACHE_HOME", "/big")).unwrap(), Path::new("/big/relu-notebook"));
        assert!(matches!(cache(&Environment::default().with("HOME", "here")), Err(Trouble::NoHome)));
    }

    #[test]
    fn only_a_libtorch_of_the_users_own_is_taken_as_such() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("target/libtorch");
        let plain = Environment::default();
        assert_eq!(own_libtorch(&link, &plain), None);
        assert_eq!(own_libtorch(&link, &plain.clone().with("LIBTORCH", link.as_os_str())), None);
        assert_eq!(own_libtorch(&link, &plain.clone().with("LIBTORCH", "")), None);
        assert_eq!(own_libtorch(&link, &plain.clone().with("LIBTORCH", "/opt/torch")), Some("/opt/torch".into()));
        fs::create_dir_all(&link).unwrap();
        assert_eq!(own_libtorch(&link, &plain), Some(link));
    }

    #[test]
    fn an_own_libtorch_is_checked() {
        let folder = tempfile::tempdir().unwrap();
        let plain = Environment::default();
        let why = |folder: &Path, environment: &Environment| check_own(folder, environment).unwrap_err().to_string();
        assert!(why(Path::new("target/mine"), &plain).contains("relative"));
        assert!(why(folder.path(), &plain).contains("include/torch"));
        libtorch(folder.path(), 9);
        let message = why(folder.path(), &plain);
        assert!(message.contains("2.9.0") && message.contains("2.13.0"), "{message}");
        check_own(folder.path(), &plain.clone().with("LIBTORCH_BYPASS_VERSION_CHECK", "1")).unwrap();
        libtorch(folder.path(), 13);
        check_own(folder.path(), &plain).unwrap();
        fs::write(folder.path().join("build-version"), "2.12.1+cpu\n").unwrap();
        assert!(why(folder.path(), &plain).contains("2.12.1"));
    }

    #[test]
    fn linking_is_idempotent_and_replaces_an_old_link() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("target/libtorch");
        for target in ["/a", "/a", "/b"] {
            link(&place, Path::new(target)).unwrap();
            assert_eq!(fs::read_link(&place).unwrap(), Path::new(target));
        }
        assert_eq!(fs::read_dir(folder.path().join("target")).unwrap().count(), 1);
    }
}
