//! The wheels that make up LibTorch on each platform: pinned versions, pinned sha256, and the members that are used.

use crate::errors::Trouble;
use std::env::consts::{ARCH, OS};

pub const VERSION: &str = "2.13.0";

/// One LibTorch, assembled from one or more wheels.
pub struct Platform<'a> {
    /// As in the cache folder's name: `x86_64-linux`.
    pub name: &'a str,
    /// pip's platform tags. pip does not extend them itself, so each older manylinux has to be named.
    pub tags: &'a [&'a str],
    pub wheels: &'a [Wheel<'a>],
    /// A link inside the folder: its name and its target.
    pub link: Option<(&'a str, &'a str)>,
    /// Size of the unpacked folder in bytes, rounded up.
    pub unpacked: u64,
}

pub struct Wheel<'a> {
    pub project: &'a str,
    pub version: &'a str,
    pub sha256: &'a str,
    /// Size of the download, in bytes.
    pub size: u64,
    /// The members to unpack: a name, or a folder's name with a trailing `/`, and the target of each.
    pub take: &'a [(&'a str, &'a str)],
}

impl Platform<'_> {
    pub fn folder_name(&self) -> String {
        format!("libtorch-{VERSION}-{}", self.name)
    }

    /// Bytes needed while fetching: the wheels and the unpacked folder side by side.
    pub fn space(&self) -> u64 {
        self.unpacked + self.wheels.iter().map(|wheel| wheel.size).sum::<u64>()
    }
}

impl Wheel<'_> {
    /// The beginning of a wheel's file name: `nvidia_cuda_runtime-13.0.96-`.
    pub fn file_prefix(&self) -> String {
        format!("{}-{}-", self.project.replace('-', "_"), self.version)
    }

    pub fn requirement(&self) -> String {
        format!("{}=={}", self.project, self.version)
    }
}

/// The platform of this machine.
pub fn current() -> Result<&'static Platform<'static>, Trouble> {
    of(ARCH, OS)
}

fn of(arch: &str, os: &str) -> Result<&'static Platform<'static>, Trouble> {
    match (arch, os) {
        ("x86_64", "linux") => Ok(&LINUX_X86_64),
        ("aarch64", "linux") => Ok(&LINUX_AARCH64),
        ("aarch64", "macos") => Ok(&MACOS_AARCH64),
        _ => Err(Trouble::Platform { name: format!("{arch}-{os}") }),
    }
}

// The Linux wheel's libtorch_cpu.so is linked to libcudart and libcupti even without a GPU. The wheel's own libtorch.so
// would load the CUDA half; a link to libtorch_cpu.so replaces it.
const LINUX_X86_64: Platform = Platform {
    name: "x86_64-linux",
    tags: &[
        "manylinux_2_28_x86_64",
        "manylinux_2_27_x86_64",
        "manylinux_2_26_x86_64",
        "manylinux_2_25_x86_64",
        "manylinux_2_24_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
    ],
    wheels: &[
        Wheel {
            project: "torch",
            version: VERSION,
            sha256: "796633c4cdf0fe2cdced72d8f88f22e73dbcfce83132763162f6d4bff13b820b",
            size: 526_605_292,
            take: &[
                ("torch/include/", "include/"),
                ("torch/lib/libtorch_cpu.so", "lib/libtorch_cpu.so"),
                ("torch/lib/libc10.so", "lib/libc10.so"),
                ("torch/lib/libgomp.so.1", "lib/libgomp.so.1"),
            ],
        },
        Wheel {
            project: "nvidia-cuda-runtime",
            version: "13.0.96",
            sha256: "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
            size: 2_243_632,
            take: &[("nvidia/cu13/lib/libcudart.so.13", "lib/libcudart.so.13")],
        },
        Wheel {
            project: "nvidia-cuda-cupti",
            version: "13.0.85",
            sha256: "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
            size: 10_715_597,
            take: &[("nvidia/cu13/lib/libcupti.so.13", "lib/libcupti.so.13")],
        },
    ],
    link: Some(("lib/libtorch.so", "libtorch_cpu.so")),
    unpacked: 500_000_000,
};

const LINUX_AARCH64: Platform = Platform {
    name: "aarch64-linux",
    tags: &[
        "manylinux_2_28_aarch64",
        "manylinux_2_27_aarch64",
        "manylinux_2_26_aarch64",
        "manylinux_2_25_aarch64",
        "manylinux_2_24_aarch64",
        "manylinux_2_17_aarch64",
        "manylinux2014_aarch64",
    ],
    wheels: &[
        Wheel {
            project: "torch",
            version: VERSION,
            sha256: "572df8be8ffb4599c88cbd6a0726f1f854f4da65d2e3c09f0e2c2283333cd6d4",
            size: 427_210_998,
            take: &[
                ("torch/include/", "include/"),
                ("torch/lib/libtorch_cpu.so", "lib/libtorch_cpu.so"),
                ("torch/lib/libc10.so", "lib/libc10.so"),
                ("torch/lib/libgomp.so.1", "lib/libgomp.so.1"),
                ("torch/lib/libarm_compute.so", "lib/libarm_compute.so"),
                ("torch/lib/libarm_compute_graph.so", "lib/libarm_compute_graph.so"),
                ("torch/lib/libnvpl_blas_core.so.0", "lib/libnvpl_blas_core.so.0"),
                ("torch/lib/libnvpl_blas_lp64_gomp.so.0", "lib/libnvpl_blas_lp64_gomp.so.0"),
                ("torch/lib/libnvpl_lapack_core.so.0", "lib/libnvpl_lapack_core.so.0"),
                ("torch/lib/libnvpl_lapack_lp64_gomp.so.0", "lib/libnvpl_lapack_lp64_gomp.so.0"),
            ],
        },
        Wheel {
            project: "nvidia-cuda-runtime",
            version: "13.0.96",
            sha256: "ef9bcbe90493a2b9d810e43d249adb3d02e98dd30200d86607d8d02687c43f55",
            size: 2_261_060,
            take: &[("nvidia/cu13/lib/libcudart.so.13", "lib/libcudart.so.13")],
        },
        Wheel {
            project: "nvidia-cuda-cupti",
            version: "13.0.85",
            sha256: "796bd679890ee55fb14a94629b698b6db54bcfd833d391d5e94017dd9d7d3151",
            size: 10_310_827,
            take: &[("nvidia/cu13/lib/libcupti.so.13", "lib/libcupti.so.13")],
        },
    ],
    link: Some(("lib/libtorch.so", "libtorch_cpu.so")),
    unpacked: 360_000_000,
};

const MACOS_AARCH64: Platform = Platform {
    name: "aarch64-macos",
    tags: &["macosx_14_0_arm64", "macosx_13_0_arm64", "macosx_12_0_arm64", "macosx_11_0_arm64"],
    wheels: &[Wheel {
        project: "torch",
        version: VERSION,
        sha256: "2fe228aba290d14b9f31b049be550dbd469c3fd3013d7a19705b30454da97027",
        size: 111_213_045,
        take: &[
            ("torch/include/", "include/"),
            ("torch/lib/libtorch.dylib", "lib/libtorch.dylib"),
            ("torch/lib/libtorch_cpu.dylib", "lib/libtorch_cpu.dylib"),
            ("torch/lib/libc10.dylib", "lib/libc10.dylib"),
            ("torch/lib/libomp.dylib", "lib/libomp.dylib"),
        ],
    }],
    link: None,
    unpacked: 400_000_000,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_platform_is_named_with_the_remedy() {
        let message = of("riscv64", "linux").err().unwrap().to_string();
        assert!(message.contains("riscv64-linux") && message.contains("LIBTORCH"), "{message}");
    }

    #[test]
    fn every_pin_is_a_whole_sha256() {
        for platform in [&LINUX_X86_64, &LINUX_AARCH64, &MACOS_AARCH64] {
            for wheel in platform.wheels {
                assert!(wheel.sha256.len() == 64 && wheel.sha256.bytes().all(|b| b.is_ascii_hexdigit()));
            }
        }
    }
}
