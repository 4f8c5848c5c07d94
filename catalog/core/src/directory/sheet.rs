//! The 26-column sheet as a grid of cells, to and from resources.
