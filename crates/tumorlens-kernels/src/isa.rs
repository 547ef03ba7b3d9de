//! Which vector instructions there are: a run-time value.

use std::sync::OnceLock;

/// An instruction set that kernels are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Plain Rust, for every processor.
    Portable,
    /// AVX2 with fused multiply-add.
    Avx2,
    /// AVX-512 (F, BW, DQ, VL).
    Avx512,
    /// NEON, the vectors of 64-bit ARM.
    Neon,
}

impl Isa {
    /// Every one that this processor has, the best last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        #[cfg_attr(
            not(any(target_arch = "x86_64", target_arch = "aarch64")),
            allow(unused_mut)
        )]
        let mut found = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                found.push(Self::Avx2);
            }
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("fma")
            {
                found.push(Self::Avx512);
            }
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            found.push(Self::Neon);
        }
        found
    }

    /// The best that this processor has, or what the environment variable `TUMORLENS_ISA` (`portable`, `avx2`,
    /// `avx512`, `neon`) names, where the processor has it: two machines that use the same one give the same bits.
    #[must_use]
    pub fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            let available = Self::available();
            let wanted = std::env::var("TUMORLENS_ISA").ok();
            let named = |isa: &&Self| wanted.as_deref() == Some(isa.name());
            let found = available.iter().find(named).or(available.last());
            found.copied().unwrap_or(Self::Portable)
        })
    }

    /// Its name in `TUMORLENS_ISA`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
        }
    }
}

/// Compiles a safe inlined body once for each instruction set and defines a function that picks at run time.
///
/// `dispatch!(name = body(argument: Type, ...) -> Type)`; the body must be `#[inline(always)]`. `name<P>` is generic over
/// a [`crate::Pixel`].
macro_rules! dispatch {
    ($(#[$meta:meta])* $vis:vis fn $name:ident $(<$p:ident>)? = $body:ident ( $($arg:ident : $ty:ty),* $(,)? ) $(-> $ret:ty)?) => {
        $(#[$meta])*
        $vis fn $name $(<$p: $crate::Pixel>)? ($($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma,avx2")]
                fn avx512 $(<$p: $crate::Pixel>)? ($($arg: $ty),*) $(-> $ret)? { $body($($arg),*) }
                #[target_feature(enable = "avx2,fma")]
                fn avx2 $(<$p: $crate::Pixel>)? ($($arg: $ty),*) $(-> $ret)? { $body($($arg),*) }
                match $crate::Isa::best() {
                    // SAFETY: `best` answers with an instruction set that this processor has.
                    $crate::Isa::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    $crate::Isa::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::Isa::Portable | $crate::Isa::Neon => {}
                }
            }
            #[cfg(target_arch = "aarch64")]
            {
                #[target_feature(enable = "neon")]
                fn neon $(<$p: $crate::Pixel>)? ($($arg: $ty),*) $(-> $ret)? { $body($($arg),*) }
                if $crate::Isa::best() == $crate::Isa::Neon {
                    // SAFETY: `best` answers with an instruction set that this processor has.
                    return unsafe { neon($($arg),*) };
                }
            }
            $body($($arg),*)
        }
    };
}
pub(crate) use dispatch;

/// Compiles an unsafe inlined body that is generic over [`crate::lanes::Lanes`] once for each instruction set and
/// defines a function that picks at run time. The function is as unsafe as its body.
///
/// `name<P>` is generic over a [`crate::Pixel`], `name[N: usize, ...]` over numbers. Each is a function of its own: where
/// loops for several tiles share one, the compiler shares what follows them as well, and keeps a sum in memory for it.
macro_rules! on_lanes {
    ($(#[$meta:meta])* $vis:vis unsafe fn $name:ident $(<$p:ident>)? $([$($n:ident : $t:ty),*])? = $body:ident ( $($arg:ident : $ty:ty),* $(,)? )) => {
        $(#[$meta])*
        $vis unsafe fn $name <$($p: $crate::Pixel)? $($(const $n: $t),*)?> ($($arg: $ty),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma,avx2")]
                unsafe fn avx512 <$($p: $crate::Pixel)? $($(const $n: $t),*)?> ($($arg: $ty),*) {
                    // SAFETY: the caller's.
                    unsafe { $body::<$crate::lanes::Avx512 $(, $p)? $($(, $n)*)?>($($arg),*) }
                }
                #[target_feature(enable = "avx2,fma")]
                unsafe fn avx2 <$($p: $crate::Pixel)? $($(const $n: $t),*)?> ($($arg: $ty),*) {
                    // SAFETY: the caller's.
                    unsafe { $body::<$crate::lanes::Avx2 $(, $p)? $($(, $n)*)?>($($arg),*) }
                }
                match $crate::Isa::best() {
                    // SAFETY: `best` answers with an instruction set that this processor has; the rest is the caller's.
                    $crate::Isa::Avx512 => return unsafe { avx512::<$($p)? $($($n),*)?>($($arg),*) },
                    // SAFETY: as above.
                    $crate::Isa::Avx2 => return unsafe { avx2::<$($p)? $($($n),*)?>($($arg),*) },
                    $crate::Isa::Portable | $crate::Isa::Neon => {}
                }
            }
            #[cfg(target_arch = "aarch64")]
            {
                #[target_feature(enable = "neon")]
                unsafe fn neon<$($p: $crate::Pixel)? $($(const $n: $t),*)?>($($arg: $ty),*) {
                    // SAFETY: the caller's.
                    unsafe { $body::<$crate::lanes::Neon $(, $p)? $($(, $n)*)?>($($arg),*) }
                }
                if $crate::Isa::best() == $crate::Isa::Neon {
                    // SAFETY: `best` answers with an instruction set that this processor has; the rest is the caller's.
                    return unsafe { neon::<$($p)? $($($n),*)?>($($arg),*) };
                }
            }
            // SAFETY: plain Rust runs everywhere; the rest is the caller's.
            unsafe { $body::<$crate::lanes::Portable $(, $p)? $($(, $n)*)?>($($arg),*) }
        }
    };
}
pub(crate) use on_lanes;
