//! One department: what it provides, and how promptly.

use askama::Template;
use catalog_core::Timestamp;
use catalog_core::directory::Department;

use crate::around::Around;
use crate::listing::{Listing, thousandths};
use crate::search::Chosen;

/// What a department provides to everyone, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DepartmentFigures {
    /// Its resources in the public's directory.
    pub resources: u64,
    /// Of them open without a condition.
    pub open: u64,
    /// Of them with data that anyone may take.
    pub with_data: u64,
    /// Of these, those whose updates are promised for a time.
    pub promised: u64,
    /// And of those, the ones that are late.
    pub late: u64,
    /// Reads by people without an account in the last thirty days.
    pub reads: u64,
    /// Whom to ask, as its entries say.
    pub contacts: Vec<String>,
}

impl DepartmentFigures {
    /// Counts some resources.
    pub fn of<'l>(listings: impl Iterator<Item = &'l Listing>, now: Timestamp) -> Self {
        let mut figures = Self::default();
        for listing in listings {
            figures.resources += 1;
            figures.open += u64::from(listing.is_open);
            figures.with_data += u64::from(listing.release.is_some());
            figures.promised += u64::from(listing.due.is_some());
            figures.late += u64::from(listing.is_late(now));
            let contact = listing.contact.clone();
            figures.contacts.extend(contact.filter(|contact| !figures.contacts.contains(contact)));
        }
        figures
    }

    /// The part of its promised updates that is in time, in thousandths; nothing where none is promised.
    pub fn in_time(&self) -> Option<u64> {
        (self.promised > 0).then(|| thousandths(self.promised - self.late, self.promised))
    }

    /// The same for people: `98.5%`.
    pub(crate) fn promptness(&self) -> Option<String> {
        self.in_time().map(|part| format!("{}.{}%", part / 10, part % 10))
    }
}

/// The page of a department.
#[derive(Template)]
#[template(path = "department.html")]
pub struct DepartmentPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The department.
    pub department: &'a Department,
    /// The one above it.
    pub parent: Option<&'a Department>,
    /// Its numbers; nothing while they are being counted.
    pub figures: Option<&'a DepartmentFigures>,
    /// Its resources, those updated last first.
    pub listings: &'a [Listing],
    /// The time of the visit.
    pub now: Timestamp,
}

impl DepartmentPage<'_> {
    fn search(&self) -> String {
        let department = Some(self.department.id.to_string());
        Chosen { department, page: 1, ..Chosen::default() }.address()
    }
}
