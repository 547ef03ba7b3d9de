//! Names beside spots that lie close together: each goes to the nearest free place, with a line to its spot.

/// Mean width of a bold character and height of a line at the largest font size, that on a phone.
pub(crate) const CHARACTER: f64 = 8.3;
pub(crate) const LINE: f64 = 17.0;
/// Directions and distances that are tried.
const DIRECTIONS: usize = 24;
const STEP: f64 = 8.0;
const RINGS: usize = 18;

/// A spot of the chart, in its own units.
pub(super) struct Spot<'a> {
    pub(super) at: (f64, f64),
    pub(super) radius: f64,
    pub(super) name: Option<&'a str>,
}

/// Where a name goes.
#[derive(Debug, PartialEq)]
pub(super) struct Label {
    pub(super) text: String,
    pub(super) left: f64,
    pub(super) baseline: f64,
    /// Line from the edge of the spot to the name.
    pub(super) from: (f64, f64),
    pub(super) to: (f64, f64),
}

/// Left, top, right, bottom.
pub(super) type Room = [f64; 4];

/// What names keep off: other texts, and lines.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) rooms: Vec<Room>,
    pub(super) lines: Vec<[(f64, f64); 2]>,
}

fn overlap(a: &Room, b: &Room) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

/// Distance of a point from a rectangle.
fn distance([left, top, right, bottom]: &Room, (x, y): (f64, f64)) -> f64 {
    (x - x.clamp(*left, *right)).hypot(y - y.clamp(*top, *bottom))
}

/// Whether the line between two points passes through a rectangle.
fn crosses(room: &Room, from: (f64, f64), to: (f64, f64)) -> bool {
    (0..=60).any(|i| {
        let t = f64::from(i) / 60.0;
        let at = (from.0 + t * (to.0 - from.0), from.1 + t * (to.1 - from.1));
        distance(room, at) <= 0.0
    })
}

/// Distance of a point from the line between two others.
fn aside([from, to]: [(f64, f64); 2], (x, y): (f64, f64)) -> f64 {
    let (across, down) = (to.0 - from.0, to.1 - from.1);
    let square = (across * across + down * down).max(1e-9);
    let t = (((x - from.0) * across + (y - from.1) * down) / square).clamp(0.0, 1.0);
    (x - from.0 - t * across).hypot(y - from.1 - t * down)
}

/// Whether two lines between points meet.
fn meet([a, b]: [(f64, f64); 2], [c, d]: [(f64, f64); 2]) -> bool {
    let side = |from: (f64, f64), to: (f64, f64), at: (f64, f64)| {
        (to.0 - from.0) * (at.1 - from.1) - (to.1 - from.1) * (at.0 - from.0) > 0.0
    };
    side(a, b, c) != side(a, b, d) && side(c, d, a) != side(c, d, b)
}

/// A place for every name that has one within `area`, off everything taken and other names, and on as few spots as can
/// be; names without room are left out.
pub(super) fn labels(spots: &[Spot<'_>], area: Room, mut taken: Taken) -> Vec<Label> {
    let mut found = Vec::new();
    for spot in spots {
        let Some(name) = spot.name else { continue };
        let candidates = places(spot, name).filter_map(|(label, room)| {
            let inside = room[0] >= area[0]
                && room[2] <= area[2]
                && room[1] >= area[1]
                && room[3] <= area[3];
            let off =
                |other: &Room| !overlap(&room, other) && !crosses(other, label.from, label.to);
            let line = [label.from, label.to];
            let free = inside
                && taken.rooms.iter().all(off)
                && !taken
                    .lines
                    .iter()
                    .any(|other| crosses(&room, other[0], other[1]) || meet(*other, line));
            free.then(|| (price(&label, &room, spot, spots), label, room))
        });
        let best = candidates.min_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, label, room)) = best {
            taken.rooms.push(room);
            taken.lines.push([label.from, label.to]);
            found.push(label);
        }
    }
    found
}

/// The places around a spot.
fn places<'a>(spot: &'a Spot<'_>, name: &'a str) -> impl Iterator<Item = (Label, Room)> + 'a {
    let width = name.chars().count() as f64 * CHARACTER;
    (0..RINGS * DIRECTIONS).map(move |i| {
        let (ring, turn) = ((i / DIRECTIONS) as f64, (i % DIRECTIONS) as f64);
        let angle = turn / DIRECTIONS as f64 * std::f64::consts::TAU;
        let (across, down) = (angle.cos(), angle.sin());
        let away = spot.radius + 4.0 + ring * STEP;
        // The point of the name nearest to the spot lies on the ray.
        let near = (spot.at.0 + across * away, spot.at.1 + down * away);
        let left = near.0 - width * (1.0 - across) / 2.0;
        let top = near.1 - LINE * (1.0 - down) / 2.0;
        let room = [left, top, left + width, top + LINE];
        let label = Label {
            text: name.to_owned(),
            left,
            baseline: top + LINE - 4.5,
            from: (
                spot.at.0 + across * spot.radius,
                spot.at.1 + down * spot.radius,
            ),
            to: (
                near.0.clamp(room[0], room[2]),
                near.1.clamp(room[1], room[3]),
            ),
        };
        (label, room)
    })
}

/// Far is dear, a line across other spots dearer, a name on a spot dearest.
fn price(label: &Label, room: &Room, of: &Spot<'_>, spots: &[Spot<'_>]) -> f64 {
    let long = (label.to.0 - label.from.0).hypot(label.to.1 - label.from.1);
    let line = [label.from, label.to];
    let others = spots.iter().filter(|spot| spot.at != of.at);
    let crossed: f64 = others
        .map(|spot| (spot.radius - aside(line, spot.at)).max(0.0))
        .sum();
    let hidden: f64 = spots
        .iter()
        .map(|spot| (spot.radius + 1.0 - distance(room, spot.at)).max(0.0))
        .sum();
    long + 2.0 * crossed + 12.0 * hidden
}
