//! What decides about the bits of a result: the device and its instruction set.

/// The kind of this machine's CPU, such as `cpu-x86_64-avx512`.
///
/// Results are equal to the byte within a kind: the matrix products choose their kernels by these
/// instruction sets.
pub fn kind() -> String {
    format!("cpu-{}", tailsweep_trainers::instruction_set())
}
