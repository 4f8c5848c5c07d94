//! The JSON Schema (2020-12) of a dataset, generated from its items.
