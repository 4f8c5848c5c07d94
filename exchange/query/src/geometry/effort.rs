//! What relating two geometries costs, known before it is begun: nothing interrupts the library, and it keeps every crossing
//! of lines.

use datafusion::common::{Result, exec_err, resources_err};
use geo::{CoordsIter, Geometry, LinesIter};

use crate::step::Step;

/// Pairs of positions that one pair of geometries may have, where it is only asked whether they meet: about a second.
const PAIRS: u64 = 100_000_000;
/// Pairs of lines that may cross in one pair of geometries, where all crossings are kept: two seconds, were all to cross.
const CROSSINGS: u64 = 100_000;
/// Such pairs for each position beside them: a line meets its neighbours.
const NEIGHBOURS: u64 = 4;
/// Positions of which every pair of lines may cross.
const FEW: u64 = 300;
/// Pairs after which the clock is looked at.
const LOOK: u64 = 5_000_000;

/// What a call has compared since it looked at the clock.
pub(super) struct Effort<'a> {
    step: Option<&'a Step>,
    pairs: u64,
}

impl<'a> Effort<'a> {
    pub(super) fn of(step: Option<&'a Step>) -> Self {
        Self { step, pairs: LOOK }
    }

    /// Refuses a pair that takes too much, and to go on when nobody waits any longer.
    pub(super) fn spend(&mut self, one: &Geometry, other: &Geometry, keeps_crossings: bool) -> Result<()> {
        let (first, second) = (one.coords_count() as u64, other.coords_count() as u64);
        let together = first.saturating_add(second);
        let most_crossings = together.saturating_mul(NEIGHBOURS).saturating_add(CROSSINGS);
        let (pairs, most) = match keeps_crossings && together > FEW {
            true => (crossings([one, other], most_crossings), most_crossings),
            false => (first.saturating_mul(second), PAIRS),
        };
        if pairs > most {
            return resources_err!("two geometries have over {most} pairs of lines to compare");
        }
        self.look(pairs)
    }

    /// Counts work that is done, and refuses to go on when nobody waits any longer.
    pub(super) fn look(&mut self, pairs: u64) -> Result<()> {
        self.pairs = self.pairs.saturating_add(pairs.max(1));
        if self.pairs >= LOOK {
            self.pairs = 0;
            if self.step.is_some_and(|step| step.stop.is_due()) {
                return exec_err!("the query was stopped");
            }
        }
        Ok(())
    }
}

/// Pairs of lines whose boxes meet, those of one geometry included: no others cross. It is sought along the longer side of
/// all, and given up where they are too many.
fn crossings(geometries: [&Geometry; 2], most: u64) -> u64 {
    let lines = geometries.into_iter().flat_map(lines).map(|line| {
        let (a, b) = (line.start, line.end);
        [a.x.min(b.x), a.y.min(b.y), a.x.max(b.x), a.y.max(b.y)]
    });
    let mut boxes: Vec<[f64; 4]> = lines.collect();
    let side = |axis: usize| {
        let ends = boxes.iter().map(|found| (found[axis], found[axis + 2]));
        let (least, greatest) = ends
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, greatest), (from, to)| {
                (least.min(from), greatest.max(to))
            });
        greatest - least
    };
    let (along, across) = if side(0) >= side(1) { (0, 1) } else { (1, 0) };
    boxes.sort_unstable_by(|one, other| one[along].total_cmp(&other[along]));
    let (mut found, mut compared) = (0, 0);
    for (place, one) in boxes.iter().enumerate() {
        for other in boxes[place + 1..].iter().take_while(|other| other[along] <= one[along + 2]) {
            compared += 1;
            found += u64::from(other[across] <= one[across + 2] && one[across] <= other[across + 2]);
        }
        if found > most || compared > PAIRS {
            return u64::MAX;
        }
    }
    found
}

/// The lines of a geometry; a collection's are those of its members.
fn lines(geometry: &Geometry) -> Vec<geo::Line> {
    match geometry {
        Geometry::LineString(line) => line.lines().collect(),
        Geometry::MultiLineString(lines) => lines.lines_iter().collect(),
        Geometry::Polygon(polygon) => polygon.lines_iter().collect(),
        Geometry::MultiPolygon(polygons) => polygons.lines_iter().collect(),
        Geometry::Rect(rect) => rect.lines_iter().collect(),
        Geometry::Triangle(triangle) => triangle.lines_iter().collect(),
        Geometry::Line(line) => vec![*line],
        Geometry::GeometryCollection(members) => members.iter().flat_map(lines).collect(),
        Geometry::Point(_) | Geometry::MultiPoint(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use geo::{LineString, Polygon};

    use super::*;

    /// A ring of so many corners on a circle.
    fn round(corners: usize) -> Geometry {
        let corner = |number: usize| {
            let angle = number as f64 / corners as f64 * std::f64::consts::TAU;
            (angle.cos(), angle.sin())
        };
        Polygon::new((0..corners).map(corner).collect(), Vec::new()).into()
    }

    /// A line that goes to and fro, each stroke across all others.
    fn scribble(strokes: usize) -> Geometry {
        let point = |number: usize| {
            let angle = number as f64 * (std::f64::consts::PI - 0.001);
            (angle.cos(), angle.sin())
        };
        (0..strokes).map(point).collect::<LineString>().into()
    }

    #[test]
    fn what_a_pair_takes_is_known_before() {
        let small = round(500);
        // A border of many corners is compared with itself only where it is near to itself.
        assert!(crossings([&round(100_000), &small], u64::MAX - 1) < 300_000);
        assert_eq!(crossings([&scribble(20_000), &small], CROSSINGS), u64::MAX);
        let mut effort = Effort::of(None);
        for (other, keeps_crossings) in [(&round(20_000), false), (&round(100_000), true), (&small, true)] {
            assert!(effort.spend(other, &small, keeps_crossings).is_ok());
        }
        for (other, keeps_crossings) in [(&round(300_000), false), (&scribble(1_000), true)] {
            let error = effort.spend(other, &small, keeps_crossings).unwrap_err();
            assert!(matches!(error, datafusion::common::DataFusionError::ResourcesExhausted(_)), "{error}");
        }
    }
}
