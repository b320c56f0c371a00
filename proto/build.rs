//! Compiles the .proto files without protoc.

use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let files = ["summary", "measurement", "worker", "sweep"]
        .map(|name| root.join(format!("tailsweep/v1/{name}.proto")));
    println!("cargo::rerun-if-changed=proto");

    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).open_files(files)?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let descriptors = out.join("tailsweep.v1.descriptors.bin");
    std::fs::write(descriptors, compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        .bytes(".tailsweep.v1")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
