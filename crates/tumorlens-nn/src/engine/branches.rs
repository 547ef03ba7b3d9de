//! Parts of a graph that share nothing but its input, as the members of an ensemble do: threads that take one each meet
//! once, not in every layer.

use super::Engine;
use super::judge::Answer;
use super::plan::{Plan, Step, conv};
use crate::graph::Graph;
use crate::network::Mode;
use crate::weights::Weights;
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};
use tumorlens_kernels::conv::Storage;

/// Nodes of a graph by branch, each in the graph's order. The input belongs to none.
#[derive(Debug)]
pub(super) struct Branches {
    apart: Vec<Vec<usize>>,
    /// What reads several branches, after all of them.
    joined: Vec<usize>,
}

impl Branches {
    /// None where all is one branch, or where more than sums and scores come after several.
    pub(super) fn of(graph: &Graph, plan: &Plan) -> Option<Self> {
        let mut found = Self {
            apart: Vec::new(),
            joined: Vec::new(),
        };
        // Of each node: the branch, none for the input and for what joins some.
        let mut branch_of: Vec<Option<usize>> = vec![None; graph.nodes.len()];
        for (index, node) in graph.nodes.iter().enumerate().skip(1) {
            let read = node.inputs.iter().map(|id| id.0).filter(|from| *from > 0);
            let mut read = read.map(|from| branch_of[from]);
            let branch = match read.next() {
                None => {
                    found.apart.push(Vec::new());
                    Some(found.apart.len() - 1)
                }
                Some(first) => first.filter(|_| read.all(|other| other == first)),
            };
            branch_of[index] = branch;
            match branch {
                Some(branch) => found.apart[branch].push(index),
                None => {
                    let light = plan.steps[index] == Step::Node && conv(node.op).is_none();
                    found.joined.push(light.then_some(index)?);
                }
            }
        }
        // What a branch is done with, nobody can read who comes after all branches.
        let joins = |node: &usize| graph.nodes[*node].inputs.iter().map(|id| id.0);
        let read: Vec<usize> = found.joined.iter().flat_map(joins).collect();
        let mut steps = found.apart.iter().flatten();
        let is_lost = steps.any(|step| plan.done_with[*step].iter().any(|n| read.contains(n)));
        (found.apart.len() > 1 && !is_lost).then_some(found)
    }

    pub(super) fn count(&self) -> usize {
        self.apart.len()
    }

    /// Takes images through, an engine for each branch.
    pub(super) fn judge<P: Storage>(
        &self,
        engines: &mut [Engine<P>],
        weights: &Weights,
        input: &[f32],
        answer: Answer<'_>,
    ) {
        // Of engines that keep nothing, those that come later take the memory of those that are done.
        let free = Mutex::new(Vec::new());
        let free = || free.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = engines.par_iter_mut().zip(&self.apart);
        pairs.for_each(|(engine, nodes)| {
            let nodes = std::iter::once(0).chain(nodes.iter().copied());
            if engine.keeps {
                engine.pass(weights, input, Mode::Inference, nodes);
                return;
            }
            engine.fit_to(input);
            engine.buffers.free.append(&mut free());
            engine.pass(weights, input, Mode::Inference, nodes);
            free().append(&mut engine.buffers.free);
        });
        let Some((first, others)) = engines.split_first_mut() else {
            return;
        };
        self.lend(first, others);
        let joined = self.joined.iter().copied();
        first.pass(weights, input, Mode::Inference, joined);
        first.answer(answer);
        self.lend(first, others);
    }

    /// Gives the first engine the values of the branches of the others, or gives them back.
    fn lend<P: Storage>(&self, to: &mut Engine<P>, from: &mut [Engine<P>]) {
        for (from, nodes) in from.iter_mut().zip(&self.apart[1..]) {
            let (to, from) = (&mut to.buffers, &mut from.buffers);
            for &node in nodes {
                std::mem::swap(&mut to.values[node], &mut from.values[node]);
                std::mem::swap(&mut to.scores[node], &mut from.scores[node]);
                std::mem::swap(&mut to.dense[node], &mut from.dense[node]);
            }
        }
    }
}
