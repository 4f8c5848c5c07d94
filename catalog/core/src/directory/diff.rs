//! The difference of a draft to the published state.
