//! What a network says of images beside their logits: what each member of an ensemble says, and the deepest features.

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
    /// Mean of every channel of [`Graph::deepest`].
    pub features: Vec<f32>,
}

/// Which values of a graph are read, and memory to read them into.
#[derive(Debug)]
pub(super) struct Reader {
    /// The members of an ensemble of one logit, and the deepest map last.
    nodes: Vec<usize>,
    /// Channels of the deepest map.
    channels: usize,
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
        let deepest = graph.deepest();
        nodes.push(deepest);
        Ok(Self {
            nodes: nodes.into_iter().map(|id| id.0).collect(),
            channels: shapes[deepest.0][0].max(1),
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
        let mut features: &[f32] = &[];
        let mut members = Vec::with_capacity(self.nodes.len() - 1);
        if let Some((deepest, read)) = judgement.values.split_last_mut() {
            for all in read {
                members.push(self.member_logit(part(all, image, images), scores));
            }
            features = part(deepest, image, images);
        }
        let area = (features.len() / self.channels).max(1);
        let mean = |channel: &[f32]| channel.iter().sum::<f32>() / area as f32;
        Answer {
            logits: logits.to_vec(),
            members,
            features: features.chunks_exact(area).map(mean).collect(),
        }
    }

    /// The logit of a member, from its share of the mean.
    fn member_logit(&self, share: &mut [f32], scores: &mut Scores) -> f32 {
        let members = self.nodes.len() - 1;
        share.iter_mut().for_each(|v| *v *= members as f32);
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
