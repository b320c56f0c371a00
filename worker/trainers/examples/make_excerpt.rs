//! Makes the four files of `mnist-excerpt` from the official ones.
//!
//! ```text
//! cargo run --release -p tailsweep-trainers --example make_excerpt -- MNIST_DIR
//! ```
//!
//! MNIST_DIR holds the official files, gzip. The result, in `worker/trainers/data/mnist-excerpt`,
//! is the same to the byte each time: header with the new number of examples, then the first
//! 10,000 training or 2,000 test examples, gzip at its best level, without a time stamp.

use std::error::Error;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};

fn main() -> Result<(), Box<dyn Error>> {
    let source = std::env::args()
        .nth(1)
        .ok_or("usage: make_excerpt MNIST_DIR")?;
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/mnist-excerpt");
    fs::create_dir_all(&target)?;
    for (part, examples) in [("train", 10_000_u32), ("t10k", 2_000)] {
        for (kind, header, bytes) in [("images-idx3", 16, 28 * 28), ("labels-idx1", 8, 1)] {
            let name = format!("{part}-{kind}-ubyte.gz");
            let mut content = vec![0; header + examples as usize * bytes];
            GzDecoder::new(File::open(Path::new(&source).join(&name))?).read_exact(&mut content)?;
            content[4..8].copy_from_slice(&examples.to_be_bytes());
            let file = File::create(target.join(&name))?;
            let mut writer = GzBuilder::new().mtime(0).write(file, Compression::best());
            writer.write_all(&content)?;
            writer.finish()?;
        }
    }
    Ok(())
}
