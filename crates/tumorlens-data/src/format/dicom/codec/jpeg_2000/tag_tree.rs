//! Tag trees (T.800 B.10.2).

use super::packet::HeaderBits;

#[derive(Clone, Copy, Debug)]
struct Node {
    /// The value is known to be at least this.
    least: u32,
    known: bool,
}

/// A quad tree whose nodes hold the least value of their leaves.
#[derive(Clone, Debug)]
pub(super) struct TagTree {
    /// Width of each level and where its nodes begin, leaves first.
    levels: Vec<(usize, usize)>,
    nodes: Vec<Node>,
}

impl TagTree {
    pub(super) fn new(width: usize, height: usize) -> Self {
        let (mut levels, mut count) = (Vec::new(), 0);
        let [mut w, mut h] = [width, height];
        while w * h > 0 {
            levels.push((w, count));
            count += w * h;
            if w * h == 1 {
                break;
            }
            (w, h) = (w.div_ceil(2), h.div_ceil(2));
        }
        let node = Node {
            least: 0,
            known: false,
        };
        Self {
            levels,
            nodes: vec![node; count],
        }
    }

    /// Reads on until the value of a leaf is known, or known to be at least `limit`. `None` when the bits end.
    pub(super) fn read(
        &mut self,
        [x, y]: [usize; 2],
        limit: u32,
        bits: &mut HeaderBits<'_>,
    ) -> Option<u32> {
        let mut least = 0;
        for (level, (width, start)) in self.levels.iter().enumerate().rev() {
            let index = start + (y >> level) * width + (x >> level);
            let node = self.nodes.get_mut(index)?;
            node.least = node.least.max(least);
            while !node.known && node.least < limit {
                if bits.bit()? == 1 {
                    node.known = true;
                } else {
                    node.least += 1;
                }
            }
            least = node.least;
        }
        Some(least)
    }
}
