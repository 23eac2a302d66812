//! The whole process with tiny wheels and a `python3` that is a shell script: no network, and any fault on demand.

use super::*;
use crate::{environment::tests::write_program, wheel::tests::write_wheel};
use tempfile::TempDir;

const TORCH: &[(&str, &str)] = &[("torch/include/", "include/"), ("torch/lib/libtorch_cpu.so", "lib/libtorch_cpu.so")];
const CUDART: &[(&str, &str)] = &[("nvidia/cu13/lib/libcudart.so.13", "lib/libcudart.so.13")];

/// A machine with only this `python3` on PATH, and an index of two wheels.
struct Machine {
    root: TempDir,
    sums: [String; 2],
}

/// Serves `$INDEX`, and writes each download to `$LOG`. pip passes the requirement last, the folder after `--dest`.
const GOOD_PIP: &str = r#"[ "$3" = --version ] && exit 0
while [ $# -gt 1 ]; do [ "$1" = --dest ] && dest="$2"; shift; done
echo "$1" >> "$LOG"
case "$1" in
  torch*) /bin/cp "$INDEX"/torch-* "$dest" ;;
  *) /bin/cp "$INDEX"/nvidia_* "$dest" ;;
esac
"#;

impl Machine {
    fn new(python: Option<&str>) -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["bin", "index", "cache"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        if let Some(text) = python {
            write_program(&root.path().join("bin/python3"), text);
        }
        let index = root.path().join("index");
        let torch = write_wheel(
            &index.join("torch-2.13.0-cp312.whl"),
            &[("torch/include/a.h", "header"), ("torch/lib/libtorch_cpu.so", "library"), ("torch/x.py", "")],
        );
        let cudart =
            write_wheel(&index.join("nvidia_cuda_runtime-13-py3.whl"), &[("nvidia/cu13/lib/libcudart.so.13", "cuda")]);
        Self { root, sums: [torch, cudart] }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn environment(&self) -> Environment {
        Environment::default()
            .with("PATH", self.path("bin"))
            .with("XDG_CACHE_HOME", self.path("cache"))
            .with("INDEX", self.path("index"))
            .with("LOG", self.path("log"))
    }

    fn fetch_in(&self, environment: &Environment) -> Result<PathBuf, Trouble> {
        let wheels = [
            Wheel { project: "torch", version: "2.13.0", sha256: &self.sums[0], size: 10, take: TORCH },
            Wheel { project: "nvidia-cuda-runtime", version: "13", sha256: &self.sums[1], size: 10, take: CUDART },
        ];
        let link = Some(("lib/libtorch.so", "libtorch_cpu.so"));
        let platform = Platform { name: "test", tags: &["any"], wheels: &wheels, link, unpacked: 100 };
        libtorch(&platform, environment)
    }

    fn fetch(&self) -> Result<PathBuf, Trouble> {
        self.fetch_in(&self.environment())
    }

    fn downloads(&self) -> usize {
        fs::read_to_string(self.path("log")).unwrap_or_default().lines().count()
    }

    fn cached(&self, name: &str) -> PathBuf {
        self.path("cache/relu-notebook").join(name)
    }
}

fn message(outcome: Result<PathBuf, Trouble>) -> String {
    outcome.unwrap_err().to_string()
}

#[test]
fn a_fresh_cache_is_filled_and_a_second_run_does_nothing() {
    let machine = Machine::new(Some(GOOD_PIP));
    let folder = machine.fetch().unwrap();
    assert_eq!(fs::read_to_string(folder.join("include/a.h")).unwrap(), "header");
    assert_eq!(fs::read_to_string(folder.join("lib/libtorch.so")).unwrap(), "library");
    assert_eq!(fs::read_to_string(folder.join("lib/libcudart.so.13")).unwrap(), "cuda");
    assert!(!folder.join("x.py").exists() && !machine.cached("libtorch-2.13.0-test.part").exists());
    // Without python3 a second download would be impossible.
    fs::remove_file(machine.path("bin/python3")).unwrap();
    assert_eq!(machine.fetch().unwrap(), folder);
    assert_eq!(machine.downloads(), 2);
}

#[test]
fn two_at_once_fetch_once() {
    let machine = Machine::new(Some(GOOD_PIP));
    std::thread::scope(|scope| {
        let runs = [(); 4].map(|()| scope.spawn(|| machine.fetch().unwrap()));
        for run in runs {
            run.join().unwrap();
        }
    });
    assert_eq!(machine.downloads(), 2);
}

#[test]
fn an_interrupted_run_is_taken_up() {
    let machine = Machine::new(Some(GOOD_PIP));
    let part = machine.cached("libtorch-2.13.0-test.part");
    fs::create_dir_all(part.join("tree/lib")).unwrap();
    fs::create_dir_all(part.join("tmp/pip-unpack")).unwrap();
    fs::create_dir_all(part.join("wheels")).unwrap();
    fs::write(part.join("tree/lib/libtorch_cpu.so"), "lib").unwrap();
    fs::write(part.join("tmp/pip-unpack/torch.whl"), "half").unwrap();
    // The runtime's wheel is complete and kept; torch's is truncated and fetched again.
    let [torch, cudart] = ["torch-2.13.0-cp312.whl", "nvidia_cuda_runtime-13-py3.whl"];
    fs::copy(machine.path("index").join(cudart), part.join("wheels").join(cudart)).unwrap();
    fs::write(part.join("wheels").join(torch), "PK half of it").unwrap();
    let folder = machine.fetch().unwrap();
    assert_eq!(fs::read_to_string(folder.join("lib/libtorch_cpu.so")).unwrap(), "library");
    assert_eq!(machine.downloads(), 1);
}

#[test]
fn a_damaged_folder_is_replaced() {
    let machine = Machine::new(Some(GOOD_PIP));
    let folder = machine.fetch().unwrap();
    fs::write(folder.join("lib/libtorch_cpu.so"), "cut").unwrap();
    assert_eq!(machine.fetch().unwrap(), folder);
    assert_eq!(fs::read_to_string(folder.join("lib/libtorch_cpu.so")).unwrap(), "library");
}

#[test]
fn a_missing_python_or_pip_is_named() {
    assert!(message(Machine::new(None).fetch()).contains("`python3` was not found"));
    let no_pip = "echo 'No module named pip' >&2\nexit 1\n";
    assert!(message(Machine::new(Some(no_pip)).fetch()).contains("python3 has no pip"));
}

#[test]
fn faults_of_pip_are_distinguished() {
    let saying = |words: &str| {
        let pip = format!("[ \"$3\" = --version ] && exit 0\necho \"{words}\" >&2\nexit 1\n");
        message(Machine::new(Some(&pip)).fetch())
    };
    let offline =
        saying("WARNING: Retrying after connection broken by 'NewConnectionError'\nERROR: from versions: none");
    assert!(offline.contains("can't be reached") && offline.contains("torch==2.13.0"), "{offline}");
    assert!(saying("OSError: [Errno 28] No space left on device").contains("disk is full"));
    let other = saying("ERROR: no such option: --platform");
    assert!(other.contains("could not fetch") && other.contains("no such option"), "{other}");
}

#[test]
fn a_wheel_with_another_hash_is_refused_and_not_kept() {
    let mut machine = Machine::new(Some(GOOD_PIP));
    let sound = std::mem::replace(&mut machine.sums[0], "0".repeat(64));
    let text = message(machine.fetch());
    assert!(text.contains("torch==2.13.0") && text.contains(&sound), "{text}");
    assert!(!machine.cached("libtorch-2.13.0-test").exists());
    machine.sums[0] = sound;
    machine.fetch().unwrap();
}

#[test]
fn too_little_space_is_said_before_anything_is_fetched() {
    let machine = Machine::new(Some(GOOD_PIP));
    let text = message(machine.fetch_in(&machine.environment().with_free_space(|_| Some(119))));
    assert!(text.contains("disk is full") && text.contains("XDG_CACHE_HOME"), "{text}");
    assert_eq!(machine.downloads(), 0);
    machine.fetch_in(&machine.environment().with_free_space(|_| Some(120))).unwrap();
}
