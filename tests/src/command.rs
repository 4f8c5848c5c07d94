//! The `shuqiao` command as its users run it: real processes on real folders.

mod administration;
mod archive;
mod backup;
mod bad_input;
mod beside;
mod bundle;
mod clerk;
mod crash;
mod demo;
mod erasure;
pub(crate) mod evidence;
mod folder;
mod letters;
mod materials;
mod newcomer;
mod restore;
mod scripts;
mod service;
mod sm2;
mod versions;
