//! This machine and this LibTorch: everything besides the study that determines the bits of a sum.

use super::data::Dataset;
use super::observer::Environment;
use std::sync::Once;

/// The version of the loaded LibTorch, such as `2.13.0`, which may differ from the one that this program was built
/// with.
pub fn libtorch() -> String {
    unsafe extern "C" {
        fn aoti_torch_abi_version() -> u64;
    }
    // SAFETY: a function of LibTorch's stable C interface; it takes nothing and returns a constant.
    let version = unsafe { aoti_torch_abi_version() };
    // One byte each, from the highest: torch/headeronly/version.h.
    let [major, minor, patch, ..] = version.to_be_bytes();
    format!("{major}.{minor}.{patch}")
}

/// Call this first in the process: lanes share the cores, so LibTorch's own thread pools stay small.
pub fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        keep_freed_memory();
        tch::set_num_interop_threads(1);
        tch::set_num_threads(1);
    });
}

/// A step frees and allocates the same few hundred kilobytes. By default glibc returns each block to the system, whose
/// pages are cleared again at the next step. Keeping them saves a fifth of a fused step.
fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // From glibc's malloc.h; 32 MiB is the largest block that it keeps.
        const M_TRIM_THRESHOLD: i32 = -1;
        const M_MMAP_THRESHOLD: i32 = -3;
        unsafe extern "C" {
            fn mallopt(parameter: i32, value: i32) -> i32;
        }
        // SAFETY: both are plain settings, which glibc guards by its own lock; a refused one changes nothing.
        unsafe {
            mallopt(M_MMAP_THRESHOLD, 32 << 20);
            mallopt(M_TRIM_THRESHOLD, 128 << 20);
        }
    }
}

/// Sets LibTorch's threads for the lane on this thread, independently of other lanes.
pub fn use_threads(threads: u32) {
    // At its first operation a thread takes the number that was last set anywhere in the process. Querying the number
    // counts as such an operation, so it is done first.
    let _ = tch::get_num_threads();
    tch::set_num_threads(threads as i32);
}

/// The vector width that LibTorch picks: `AVX512`, `AVX2`, `NEON` or `scalar`.
pub fn vector_width() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        let avx512 = is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("fma");
        match std::env::var("ATEN_CPU_CAPABILITY").as_deref() {
            Ok("default") => "scalar",
            Ok("avx2") => "AVX2",
            _ if avx512 => "AVX512",
            _ if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") => "AVX2",
            _ => "scalar",
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        "NEON"
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        "scalar"
    }
}

/// The environment of a lane on this machine; `backend` is what really runs.
pub fn environment(threads: u32, data: &Dataset, backend: String) -> Environment {
    Environment { libtorch: libtorch(), cpu: vector_width().into(), threads, backend, data: data.digest().into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// The one that the bindings are made for: they refuse to be built with another.
    #[test]
    fn the_loaded_libtorch_reports_its_version() {
        assert_eq!(libtorch(), "2.13.0");
    }

    #[test]
    fn a_lane_keeps_its_threads_when_another_sets_its_own() {
        thread::scope(|scope| {
            scope.spawn(|| {
                use_threads(1);
                // By a thread that ends before the first one computes anything.
                thread::scope(|scope| scope.spawn(|| use_threads(2)).join()).unwrap();
                assert_eq!(tch::get_num_threads(), 1);
                use_threads(1);
            });
        });
    }
}
