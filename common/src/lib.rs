//! The words of tailsweep: ids, the sweep file, the grid, a run, its cost, what is measured.
//!
//! Everything here is a value or a pure function. There is no input or output, no clock, no
//! async and no wire format: those live in the shells (`worker`, `coordinator`, `cli`) and in
//! `proto`.

pub mod cost;
pub mod exits;
pub mod id;
pub mod label;
pub mod measurement;
pub mod network;
pub mod npy;
pub mod own_data;
pub mod run;
pub mod state;
pub mod sweep;
