//! The product's own header fields.

/// Id of the request, on every answer; quote it to the operator.
pub const REQUEST_ID: &str = "shuqiao-request-id";
/// The limits in force of a query, as `time=300, rows=20000000, bytes=8589934592`.
pub const LIMITS: &str = "shuqiao-limits";
/// The versions an answer was read from, as `301001-000001=3, ..`.
pub const VERSIONS: &str = "shuqiao-versions";
/// The cursor of the next page, whatever the format of this one; absent on the last.
pub const NEXT: &str = "shuqiao-next";
/// SHA-256 of a material whose upload has ended, hex: what rows name it by.
pub const MATERIAL: &str = "shuqiao-material";
/// The number of rows on all pages, where it was asked for.
pub const TOTAL: &str = "shuqiao-total";
