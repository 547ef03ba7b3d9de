//! What a network says of images beside their logits: what each member of an ensemble says, and features.

use super::{DeviceFailure, Mode, Network, Scores, host};
use crate::engine::Judgement;
use crate::graph::{Graph, NodeId, Op, ShapeError};
use std::sync::{Mutex, PoisonError};

/// What a network says of one image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Logits, one an output.
    pub logits: Vec<f32>,
    /// The one logit of every member of an ensemble; empty without members or with more logits.
    pub members: Vec<f32>,
    /// What its maps hold.
    pub features: Features,
}

/// Means over an image of every channel of [`Graph::levels`], and what a guard says beside them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    means: Vec<f32>,
    /// How many of them are of the deepest level.
    deepest: usize,
    /// What a guard says.
    guard: Option<f32>,
}

impl Features {
    /// Of all levels.
    #[must_use]
    pub fn all(&self) -> &[f32] {
        &self.means
    }

    /// Of [`Graph::deepest`] alone.
    #[must_use]
    pub fn deepest(&self) -> &[f32] {
        &self.means[self.means.len().saturating_sub(self.deepest)..]
    }

    /// The logit of the [guard](crate::guard), where there is one.
    #[must_use]
    pub fn guard(&self) -> Option<f32> {
        self.guard
    }

    /// The same with what a guard says.
    #[cfg(test)]
    pub(crate) fn with_guard(self, logit: f32) -> Self {
        Self {
            guard: Some(logit),
            ..self
        }
    }
}

impl From<Vec<f32>> for Features {
    /// Features of one level.
    fn from(means: Vec<f32>) -> Self {
        Self {
            deepest: means.len(),
            means,
            guard: None,
        }
    }
}

/// Which values of a graph are read, and memory to read them into.
#[derive(Debug)]
pub(super) struct Reader {
    /// The members of an ensemble of one logit, the levels behind them, and a guard.
    nodes: Vec<usize>,
    /// How many of them are members.
    members: usize,
    /// Channels of each level.
    channels: Vec<usize>,
    /// What makes a score of a member's share of the mean.
    score: Op,
    outputs: usize,
    /// Memory that nobody uses at the moment.
    resting: Mutex<Vec<Room>>,
}

#[derive(Debug, Default)]
struct Room {
    judgement: Judgement,
    scores: Scores,
}

impl Reader {
    pub(super) fn new(graph: &Graph) -> Result<Self, ShapeError> {
        let shapes = graph.shapes()?;
        let mut nodes = graph.members();
        if graph.outputs() > 1 || nodes.len() == 1 {
            nodes.clear();
        }
        let (members, levels) = (nodes.len(), graph.levels());
        nodes.extend(&levels);
        nodes.extend(graph.guard);
        Ok(Self {
            nodes: nodes.into_iter().map(|id| id.0).collect(),
            members,
            channels: levels.iter().map(|id| shapes[id.0][0].max(1)).collect(),
            score: graph.node(graph.logits).op,
            outputs: graph.outputs().max(1),
            resting: Mutex::default(),
        })
    }

    /// The nodes that are read.
    pub(super) fn nodes(&self) -> &[usize] {
        &self.nodes
    }

    /// Lets `fill` write logits and the values of the nodes into memory that is used again, and makes answers of them. The
    /// answers alone are new memory.
    fn answers(
        &self,
        fill: impl FnOnce(&mut Judgement) -> Result<(), DeviceFailure>,
    ) -> Result<Vec<Answer>, DeviceFailure> {
        let resting = || self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut room = resting().pop().unwrap_or_default();
        fill(&mut room.judgement)?;
        let images = room.judgement.logits.len() / self.outputs;
        let answers = (0..images).map(|image| self.answer(&mut room, image, images));
        let answers = answers.collect();
        resting().push(room);
        Ok(answers)
    }

    fn answer(&self, room: &mut Room, image: usize, images: usize) -> Answer {
        let Room { judgement, scores } = room;
        let logits = &judgement.logits[image * self.outputs..][..self.outputs];
        let values = &mut judgement.values;
        let count = self.members.min(values.len());
        let (read, levels) = values.split_at_mut(count);
        let mut members = Vec::with_capacity(self.members);
        for all in read {
            members.push(self.member_logit(part(all, image, images), scores));
        }
        let mut means = Vec::with_capacity(self.channels.iter().sum());
        for (level, channels) in levels.iter_mut().zip(&self.channels) {
            let maps = part(level, image, images);
            let area = (maps.len() / channels).max(1);
            let mean = |channel: &[f32]| channel.iter().sum::<f32>() / area as f32;
            means.extend(maps.chunks_exact(area).map(mean));
        }
        let guard = levels.get(self.channels.len());
        Answer {
            logits: logits.to_vec(),
            members,
            features: Features {
                means,
                deepest: self.channels.last().copied().unwrap_or_default(),
                guard: guard.and_then(|logits| logits.get(image)).copied(),
            },
        }
    }

    /// The logit of a member, from its share of the mean.
    fn member_logit(&self, share: &mut [f32], scores: &mut Scores) -> f32 {
        share.iter_mut().for_each(|v| *v *= self.members as f32);
        scores.fill(self.score, share, share.len().max(1));
        scores.scores.first().copied().unwrap_or_default()
    }
}

/// The values of one of so many images.
fn part(values: &mut [f32], image: usize, images: usize) -> &mut [f32] {
    let each = values.len() / images.max(1);
    values
        .get_mut(image * each..(image + 1) * each)
        .unwrap_or_default()
}

impl Network {
    /// As [`Network::logits`], with what else the network says of each image.
    ///
    /// # Errors
    /// When the device fails.
    pub fn answers(&self, values: Vec<f32>) -> Result<Vec<Answer>, DeviceFailure> {
        let nodes = self.reader.nodes();
        self.reader.answers(|judgement| {
            match &self.judge {
                Some(judge) => judge.judge(&values, nodes, judgement),
                None => *judgement = self.tapped(values, nodes)?,
            }
            Ok(())
        })
    }

    /// Logits and the values of some nodes, by the device's own pass.
    fn tapped(&self, values: Vec<f32>, nodes: &[usize]) -> Result<Judgement, DeviceFailure> {
        let mut read = vec![None; nodes.len()];
        let pass = self.forward_tapped(self.batch(values), Mode::Inference, &mut |tapped| {
            for (place, _) in read
                .iter_mut()
                .zip(nodes)
                .filter(|(_, node)| NodeId(**node) == tapped.id)
            {
                *place = Some(tapped.value.clone());
            }
            tapped.value
        });
        let read = read
            .into_iter()
            .map(|value| value.map_or_else(|| Ok(Vec::new()), host));
        Ok(Judgement {
            values: read.collect::<Result<_, _>>()?,
            logits: host(pass.logits)?,
        })
    }
}
