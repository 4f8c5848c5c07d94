#![doc = include_str!("../README.md")]

mod barrier;
mod mask;
mod policy;
mod table;
#[cfg(test)]
mod tests;
