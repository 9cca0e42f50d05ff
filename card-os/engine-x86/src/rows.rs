//! Rows of a product with mulx, adcx and adox: one multiplication and two additions a limb, whose carries live in two flags and
//! never wait for each other.

use crate::adx::Adx;
use core::arch::asm;

/// Two limbs of a row. The high half of the first product waits in `h`, of the second in `c`, so that nothing is moved.
macro_rules! two {
    ($first:literal, $second:literal) => {
        concat!(
            "mulx {h}, {l}, [{a} + ",
            $first,
            "]\n",
            "adcx {l}, [{t} + ",
            $first,
            "]\n",
            "adox {l}, {c}\n",
            "mov [{t} + ",
            $first,
            "], {l}\n",
            "mulx {c}, {l}, [{a} + ",
            $second,
            "]\n",
            "adcx {l}, [{t} + ",
            $second,
            "]\n",
            "adox {l}, {h}\n",
            "mov [{t} + ",
            $second,
            "], {l}\n",
        )
    };
}

/// One limb of a row.
macro_rules! one {
    ($at:literal) => {
        concat!(
            "mulx {h}, {l}, [{a} + ",
            $at,
            "]\n",
            "adcx {l}, [{t} + ",
            $at,
            "]\n",
            "adox {l}, {c}\n",
            "mov [{t} + ",
            $at,
            "], {l}\n",
            "mov {c}, {h}\n",
        )
    };
}

/// A function that adds q · a + carry to `t` and gives the limb above, for one length.
macro_rules! row {
    ($name:ident, $limbs:literal, $($part:expr),+) => {
        #[inline(always)]
        pub(crate) fn $name(_: Adx, t: &mut [u64; $limbs], a: &[u64; $limbs], q: u64, carry: u64) -> u64 {
            let mut c = carry;
            // SAFETY: mulx, adcx and adox exist, as the `Adx` shows. Reads `a` and reads and writes `t` at offsets below
            // 8 · $limbs only, both valid for that through their references; touches no stack. rdx is read and not written;
            // flags are clobbered, which is the default.
            unsafe {
                asm!(
                    "xor {l:e}, {l:e}", // both carry flags off
                    $($part,)+
                    "mov {l:e}, 0", // keeps the flags
                    "adcx {c}, {l}",
                    "adox {c}, {l}",
                    a = in(reg) a.as_ptr(),
                    t = in(reg) t.as_mut_ptr(),
                    c = inout(reg) c,
                    l = out(reg) _,
                    h = out(reg) _,
                    in("rdx") q,
                    options(nostack),
                );
            }
            c
        }
    };
}

row!(row1, 1, one!("0"));
row!(row2, 2, two!("0", "8"));
row!(row3, 3, two!("0", "8"), one!("16"));
row!(row4, 4, two!("0", "8"), two!("16", "24"));
row!(row5, 5, two!("0", "8"), two!("16", "24"), one!("32"));
row!(row6, 6, two!("0", "8"), two!("16", "24"), two!("32", "40"));
row!(row7, 7, two!("0", "8"), two!("16", "24"), two!("32", "40"), one!("48"));
row!(row8, 8, two!("0", "8"), two!("16", "24"), two!("32", "40"), two!("48", "56"));
row!(row9, 9, two!("0", "8"), two!("16", "24"), two!("32", "40"), two!("48", "56"), one!("64"));
row!(row10, 10, two!("0", "8"), two!("16", "24"), two!("32", "40"), two!("48", "56"), two!("64", "72"));
row!(row11, 11, two!("0", "8"), two!("16", "24"), two!("32", "40"), two!("48", "56"), two!("64", "72"), one!("80"));
row!(
    row12,
    12,
    two!("0", "8"),
    two!("16", "24"),
    two!("32", "40"),
    two!("48", "56"),
    two!("64", "72"),
    two!("80", "88")
);
row!(
    row13,
    13,
    two!("0", "8"),
    two!("16", "24"),
    two!("32", "40"),
    two!("48", "56"),
    two!("64", "72"),
    two!("80", "88"),
    one!("96")
);
row!(
    row14,
    14,
    two!("0", "8"),
    two!("16", "24"),
    two!("32", "40"),
    two!("48", "56"),
    two!("64", "72"),
    two!("80", "88"),
    two!("96", "104")
);
row!(
    row15,
    15,
    two!("0", "8"),
    two!("16", "24"),
    two!("32", "40"),
    two!("48", "56"),
    two!("64", "72"),
    two!("80", "88"),
    two!("96", "104"),
    one!("112")
);
row!(
    row16,
    16,
    two!("0", "8"),
    two!("16", "24"),
    two!("32", "40"),
    two!("48", "56"),
    two!("64", "72"),
    two!("80", "88"),
    two!("96", "104"),
    two!("112", "120")
);
