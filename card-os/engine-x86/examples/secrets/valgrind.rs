//! What memcheck is asked and told from within the program that it runs.

use std::arch::asm;

/// Requests to valgrind, from its headers `valgrind.h` and `memcheck.h`.
mod request {
    pub(crate) const RUNNING_ON_VALGRIND: usize = 0x1001;
    pub(crate) const COUNT_ERRORS: usize = 0x1201;
    pub(crate) const MAKE_MEM_UNDEFINED: usize = 0x4D43_0001;
    pub(crate) const MAKE_MEM_DEFINED: usize = 0x4D43_0002;
    pub(crate) const CHECK_MEM_IS_DEFINED: usize = 0x4D43_0005;
    pub(crate) const SET_VBITS: usize = 0x4D43_0009;
}

/// Asks valgrind for something; does nothing anywhere else.
fn ask(number: usize, arguments: [usize; 3]) -> usize {
    let block = [number, arguments[0], arguments[1], arguments[2], 0, 0];
    let mut answer = 0usize;
    // SAFETY: outside of valgrind these instructions turn rdi round by 128 bits and exchange rbx with itself: nothing. Inside they
    // make valgrind read `block`, which lives until then.
    unsafe {
        asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") block.as_ptr(), inout("rdx") answer, options(nostack),
        );
    }
    answer
}

/// Declares values undefined: what is decided by them is reported.
pub(crate) fn undefined<T>(values: &mut [T]) {
    ask(request::MAKE_MEM_UNDEFINED, [values.as_mut_ptr() as usize, size_of_val(values), 0]);
}

/// Declares every place undefined where `secret` stands in `memory`; how many these are.
pub(crate) fn undefined_within(memory: &[u8], secret: &[u8]) -> usize {
    let places: Vec<&[u8]> = memory.windows(secret.len()).filter(|window| *window == secret).collect();
    for place in &places {
        ask(request::MAKE_MEM_UNDEFINED, [place.as_ptr() as usize, place.len(), 0]);
    }
    places.len()
}

/// Tells that these are no secret any more.
pub(crate) fn defined<T>(values: &mut [T]) {
    ask(request::MAKE_MEM_DEFINED, [values.as_mut_ptr() as usize, size_of_val(values), 0]);
}

/// Reports so far.
pub(crate) fn errors() -> usize {
    ask(request::COUNT_ERRORS, [0; 3])
}

/// Whether something in `values` is undefined. Asking is itself a report.
pub(crate) fn is_tainted<T>(values: &[T]) -> bool {
    ask(request::CHECK_MEM_IS_DEFINED, [values.as_ptr() as usize, size_of_val(values), 0]) != 0
}

/// Undefined but for the lowest and the highest bit of big-endian bytes, which are one in every prime and known to all.
pub(crate) fn undefined_prime(prime: &mut [u8]) {
    let mut bits = vec![0xFFu8; prime.len()];
    bits[0] = 0x7F;
    bits[prime.len() - 1] = 0xFE;
    ask(request::SET_VBITS, [prime.as_ptr() as usize, bits.as_ptr() as usize, prime.len()]);
}

/// Whether valgrind runs this program.
pub(crate) fn on_valgrind() -> bool {
    ask(request::RUNNING_ON_VALGRIND, [0; 3]) != 0
}
